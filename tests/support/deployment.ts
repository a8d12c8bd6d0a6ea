export * from '@leadwell/harness/deployment';
