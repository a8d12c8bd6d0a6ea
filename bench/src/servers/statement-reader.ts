/**
 * Reads what a client says to PostgreSQL and tells each statement that it has executed.
 * Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class StatementReader {
  /** As the client calls itself; empty until it has connected, and where it does not. */
  applicationName = '';
  private unread: Buffer = Buffer.alloc(0);
  private isConnected = false;
  private readonly texts = new Map<string, string>();
  private bound = '';

  constructor(private readonly onStatement: (text: string) => void) {}

  read(bytes: Buffer): void {
    this.unread = Buffer.concat([this.unread, bytes]);
    for (let size = this.nextSize(); size > 0 && this.unread.length >= size; size = this.nextSize()) {
      const message = this.unread.subarray(0, size);
      this.unread = this.unread.subarray(size);
      if (this.isConnected) this.readMessage(message);
      else this.readStartup(message);
    }
  }

  /** Of the next message; 0 where its length is not here yet. The first message has no type before its length. */
  private nextSize(): number {
    const at = this.isConnected ? 1 : 0;
    return this.unread.length < at + 4 ? 0 : at + this.unread.readInt32BE(at);
  }

  private readStartup(message: Buffer): void {
    const words = message.toString('utf8', 8).split('\0');
    this.applicationName = words[words.indexOf('application_name') + 1] ?? '';
    this.isConnected = true;
  }

  /** Query, Parse, Bind and Execute; the others execute nothing. */
  private readMessage(message: Buffer): void {
    const [first = '', second = ''] = message.toString('utf8', 5).split('\0', 2);
    switch (String.fromCharCode(message[0] ?? 0)) {
      case 'Q':
        return this.onStatement(first);
      case 'P':
        return void this.texts.set(first, second);
      case 'B':
        this.bound = this.texts.get(second) ?? '';
        return;
      case 'E':
        return this.onStatement(this.bound);
    }
  }
}
