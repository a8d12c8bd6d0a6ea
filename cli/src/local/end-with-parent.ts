/**
 * Preloaded into the processes that `demo` and `start` launch: ends them in order when their parent is gone, however
 * it died. Descriptor 3 is a pipe that only the parent holds open; the kernel closes it for the dead.
 */
import { Socket } from 'node:net';

const parent = new Socket({ fd: 3, readable: true, writable: false });
parent.on('error', () => undefined);
parent.on('close', () => process.kill(process.pid, 'SIGTERM'));
parent.resume();
parent.unref();
