/** Writes the sample leads as CSV to standard output: `node sandbox/dist/sample/write-sample.js > sample/leads.csv`. */
import { sampleLeads, toCsv } from './sample-leads';

process.stdout.write(toCsv(sampleLeads()));
