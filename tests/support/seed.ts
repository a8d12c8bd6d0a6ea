export * from '@leadwell/harness/seed';
