import { MultiBar, type SingleBar } from 'cli-progress';

export interface Progress {
  update(name: string, done: number): void;
  stop(): void;
}

/** Shows how far several parts of work are: bars on a terminal, else a line a part whenever another tenth is done. */
export function showProgress(parts: readonly { name: string; total: number }[]): Progress {
  return process.stdout.isTTY ? showBars(parts) : showLines(parts);
}

function showBars(parts: readonly { name: string; total: number }[]): Progress {
  const multi = new MultiBar({
    format: '  {name} [{bar}] {value}/{total}',
    hideCursor: true,
    barCompleteChar: '█',
    barIncompleteChar: '░',
  });
  const bars = new Map<string, SingleBar>(
    parts.map(({ name, total }) => [name, multi.create(total, 0, { name: name.padEnd(7) })]),
  );
  return { update: (name, done) => bars.get(name)?.update(done), stop: () => multi.stop() };
}

function showLines(parts: readonly { name: string; total: number }[]): Progress {
  const shown = new Map<string, number>();
  const totals = new Map(parts.map(({ name, total }) => [name, total]));
  return {
    update: (name, done) => {
      const total = totals.get(name) ?? 0;
      const tenth = total === 0 ? 10 : Math.floor((done / total) * 10);
      if (tenth <= (shown.get(name) ?? 0)) return;
      shown.set(name, tenth);
      console.log(`  ${name.padEnd(7)} ${done}/${total}`);
    },
    stop: () => undefined,
  };
}
