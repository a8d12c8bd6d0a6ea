export * from '@leadwell/harness/own-servers';
