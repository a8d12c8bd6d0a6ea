import type { ImportCounts, Rejection } from '@leadwell/shared/leads/import-leads';
import { SingleBar } from 'cli-progress';
import type { ImportFile } from './import-file';
import { writeNote } from './output';

const MAX_SHOWN_REJECTIONS = 100;
const NOTE_EVERY_MS = 5000;

/** Shows an import under way on stderr: a bar on a terminal, else a line every five seconds; and each rejected row. */
export class ImportProgress {
  /** Whether a row stopped the reading: what comes after it was not imported. */
  isRestUnread = false;
  private counts: ImportCounts | undefined;
  private readonly bar: SingleBar | undefined;
  private rejections = 0;
  private notedAt = Date.now();

  constructor(private readonly file: ImportFile) {
    if (!process.stderr.isTTY || file.sizeBytes === null) return;
    this.bar = new SingleBar({
      format: '{bar} {percentage} %  {rows} rows  {rejected} rejected',
      stream: process.stderr,
      etaBuffer: 50,
    });
    this.bar.start(file.sizeBytes, 0, { rows: 0, rejected: 0 });
  }

  show(counts: ImportCounts): void {
    this.counts = counts;
    const rows = counts.inserted + counts.updated + counts.unchanged + counts.rejected;
    if (this.bar) return this.bar.update(this.file.readBytes(), { rows, rejected: counts.rejected });
    if (Date.now() - this.notedAt < NOTE_EVERY_MS) return;
    this.notedAt = Date.now();
    writeNote(`${rows} rows so far, ${counts.rejected} rejected`);
  }

  noteRejected({ line, message, isRestUnread }: Rejection): void {
    this.rejections++;
    this.isRestUnread ||= isRestUnread === true;
    if (this.rejections <= MAX_SHOWN_REJECTIONS || isRestUnread) writeNote(`line ${line}: ${message}`);
  }

  noteIgnored(headers: readonly string[]): void {
    writeNote(`Columns that name no field of a lead were left out: ${headers.join(', ')}`);
  }

  noteFile(sentence: string): void {
    writeNote(sentence);
  }

  /** After a fault: what stays imported. Nothing is said where nothing was. */
  noteKept(): void {
    if (!this.counts) return;
    const { inserted, updated, unchanged } = this.counts;
    writeNote(
      `Imported before the fault, and kept: ${inserted} inserted, ${updated} updated, ${unchanged} unchanged. Run the import again once it is mended: what is there stays unchanged.`,
    );
  }

  stop(): void {
    this.bar?.stop();
    const hidden = this.rejections - MAX_SHOWN_REJECTIONS;
    if (hidden > 0) writeNote(`… and ${hidden} more rejected rows`);
  }
}
