import { describe, expect, it } from 'vitest';
import { bookOf, searchHelp, type HelpText } from './book';

const page = (name: string, lang: string, html: string): HelpText => ({ name, lang, title: name, html });
const pages = [
  page(
    'operators-book',
    'en',
    '<h1 id="book">Book</h1><p>Install</p><h2 id="disks">Disks &amp; roots</h2><p>A <b>hold</b> keeps</p>',
  ),
  page('buku-operator', 'id', '<h1 id="buku">Buku</h1><p>Pasang</p><h2 id="hold">Hold</h2><p>hold menahan</p>'),
];

describe('the help', () => {
  it('opens the book of the language that is spoken, else the English one', () => {
    expect(bookOf(pages, 'id')?.name).toBe('buku-operator');
    expect(bookOf(pages, 'en')?.name).toBe('operators-book');
    expect(bookOf(pages, 'fr')?.name).toBe('operators-book');
  });
  it('finds all words under one heading, the own language first', () => {
    expect(searchHelp(pages, 'HOLD', 'id').map((one) => [one.page.lang, one.at])).toEqual([
      ['id', 'hold'],
      ['en', 'disks'],
    ]);
    expect(searchHelp(pages, 'hold disks', 'en').map((one) => one.heading)).toEqual(['Disks & roots']);
    expect(searchHelp(pages, 'install hold', 'en')).toEqual([]);
    expect(searchHelp(pages, '  ', 'en')).toEqual([]);
    expect(searchHelp(pages, 'h2', 'en')).toEqual([]);
  });
});
