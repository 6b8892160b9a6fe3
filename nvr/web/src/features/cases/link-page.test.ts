import { expect, it } from 'vitest';
import { linkOf } from './link-address';

it('knows the address of a link from those of other pages', () => {
  expect(linkOf('#/link/0123456789ab.se_cret-1')).toBe('0123456789ab.se_cret-1');
  expect(linkOf('#/link/')).toBe('');
  for (const other of ['', '#/', '#/exports', '#/links/x', '#/cameras/link']) expect(linkOf(other)).toBeNull();
});
