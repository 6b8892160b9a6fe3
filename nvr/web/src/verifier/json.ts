// JSON that names no key of an object twice: of two, readers take different ones. What `JSON.parse` says of it is kept.

export class JsonError extends Error {}

const DEEPEST = 500;

/** The value of a text; throws `JsonError` where it is none, or names a key twice. */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new JsonError(error instanceof Error ? error.message : 'it is no JSON');
  }
  checkKeys(text);
  return value;
}

/** The text is JSON; so strings, braces, brackets, colons and commas are all there is to look at. */
function checkKeys(text: string): void {
  const open: (Set<string> | null)[] = [];
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/gs;
  let last = '';
  for (let found = token.exec(text); found; found = token.exec(text)) {
    const [one] = found;
    if (one === '{' || one === '[') {
      open.push(one === '{' ? new Set() : null);
      if (open.length > DEEPEST) throw new JsonError('it is nested too deeply');
    } else if (one === '}' || one === ']') {
      open.pop();
    } else if (one[0] === '"') {
      const keys = open[open.length - 1];
      // Behind a brace or a comma of an object stands a key.
      if (keys && (last === '{' || last === ',')) {
        const key = JSON.parse(one) as string;
        if (keys.has(key)) throw new JsonError('it has the same key twice');
        keys.add(key);
      }
    }
    last = one[0] === '"' ? '"' : one;
  }
}
