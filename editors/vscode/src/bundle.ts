// The server that comes along: one archive, which Python unpacks where the extension may keep files.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';

const PATIENCE = 60_000;
const PREFIX = 'server-';
const KEPT = 7 * 24 * 3600 * 1000; // an older copy may still run in another window

/**
 * The folder with the modules of `archive`, unpacked below `storage` by `python` the first time. Several windows may ask
 * for it at once. Rejects where there is no room or no right to write.
 */
export async function unpacked(archive: string, storage: string, python: string): Promise<string> {
  const digest = createHash('sha256').update(await fs.readFile(archive)).digest('hex').slice(0, 16);
  const folder = path.join(storage, PREFIX + digest);
  if (await isThere(folder)) {
    return folder;
  }
  await fs.mkdir(storage, { recursive: true });
  const part = await fs.mkdtemp(path.join(storage, 'part-'));
  try {
    await promisify(execFile)(python, ['-I', '-m', 'tarfile', '-e', archive, part], { timeout: PATIENCE });
    await fs.rename(part, folder);
  } catch (error) {
    await fs.rm(part, { recursive: true, force: true });
    if (!(await isThere(folder))) {
      throw error;
    }
  }
  await removeOlder(storage, folder);
  return folder;
}

async function removeOlder(storage: string, folder: string): Promise<void> {
  for (const name of await fs.readdir(storage)) {
    const other = path.join(storage, name);
    if (name.startsWith(PREFIX) && other !== folder && Date.now() - (await fs.stat(other)).mtimeMs > KEPT) {
      await fs.rm(other, { recursive: true, force: true });
    }
  }
}

function isThere(folder: string): Promise<boolean> {
  return fs.stat(folder).then(
    () => true,
    () => false,
  );
}
