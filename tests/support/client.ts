export * from '@leadwell/harness/client';
