// Labels as the text of a form, one `name=value` per line, and back.

export function labelsToText(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n');
}

/** Either the labels, or the first line that is none. */
export function readLabels(text: string): { labels: Record<string, string> } | { wrong: string } {
  const labels: Record<string, string> = {};
  for (const line of text
    .split('\n')
    .map((l) => l.trim())
    .filter(Boolean)) {
    const split = line.indexOf('=');
    const key = line.slice(0, split).trim();
    const value = line.slice(split + 1).trim();
    if (split < 1 || key === '' || value === '') return { wrong: line };
    labels[key] = value;
  }
  return { labels };
}

export const CAMERA_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;
