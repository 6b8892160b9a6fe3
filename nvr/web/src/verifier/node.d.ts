// What a test reads files with. Node's own types would be the page's too.

declare module 'node:fs' {
  interface ZipEntry {
    name: string;
    parentPath: string;
    isFile(): boolean;
  }
  interface State {
    size: number;
    isDirectory(): boolean;
  }
  export function openSync(path: string, flags: string): number;
  export function closeSync(file: number): void;
  export function fstatSync(file: number): State;
  export function statSync(path: string): State;
  export function readSync(file: number, data: Uint8Array, at: number, count: number, place: number): number;
  export function readFileSync(path: string, encoding: 'utf8'): string;
  export function readdirSync(path: string, options: { recursive: true; withFileTypes: true }): ZipEntry[];
}
declare module 'node:path' {
  export function basename(path: string): string;
  export function join(...parts: string[]): string;
}
declare const process: { env: Record<string, string | undefined> };
