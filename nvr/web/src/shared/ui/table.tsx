// A table that scrolls sideways where it does not fit.

import type { ComponentChildren } from 'preact';

interface TableProps {
  heads: ReadonlyArray<string>;
  /** With a frame of its own. */
  panel?: boolean;
  class?: string;
  testid?: string;
  children: ComponentChildren;
}

export function Table({ heads, panel = false, class: kind = 'gaps', testid, children }: TableProps) {
  return (
    <div class={panel ? 'panel table-scroll' : 'table-scroll'} tabIndex={0}>
      <table class={kind} {...(testid ? { 'data-testid': testid } : {})}>
        <thead>
          <tr>
            {heads.map((head) => (
              <th scope="col" key={head}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
