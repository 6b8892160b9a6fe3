// Builds the verifier: one HTML file with everything in it, that works from a disk and asks nobody for anything. It
// comes after the page's own build, into the same folder.

import { defineConfig, type Plugin } from 'vite';
import { words } from './words.ts';

/** SHA-256 in base64, as a Content-Security-Policy names what may run. */
async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(hash)))}'`;
}

/** Puts script and style into the HTML, and a policy over it that allows these two and nothing from anywhere. */
function inlined(): Plugin {
  return {
    name: 'inlined',
    enforce: 'post',
    async generateBundle(_, bundle) {
      let [script, style] = ['', ''];
      for (const [name, file] of Object.entries(bundle)) {
        if (file.type === 'chunk') script += file.code;
        else if (name.endsWith('.css')) style += String(file.source);
        else if (name.endsWith('.html')) continue;
        else throw new Error(`${name} would have to be fetched`);
        delete bundle[name];
      }
      const html = Object.values(bundle)[0];
      if (html?.type !== 'asset') throw new Error('there is no page');
      // What ends a script ends it inside a text, too.
      script = script
        .replace(/<\/(script)/gi, '<\\/$1')
        .replace(/<!--/g, '<\\!--')
        .trim();
      style = style.trim();
      const policy = [
        `default-src 'none'`,
        `script-src ${await digest(script)} blob:`,
        `style-src ${await digest(style)}`,
        'worker-src blob:',
        `base-uri 'none'`,
        `form-action 'none'`,
      ].join('; ');
      const head = `<meta http-equiv="Content-Security-Policy" content="${policy}" />\n    <style>${style}</style>`;
      html.source = String(html.source)
        .replace(/\s*<link rel="stylesheet"[^>]*>/g, '')
        .replace(/\s*<script type="module"[^>]*><\/script>/g, '')
        .replace('<meta charset="utf-8" />', () => `<meta charset="utf-8" />\n    ${head}`)
        .replace('</body>', () => `  <script type="module">${script}</script>\n  </body>`);
    },
  };
}

export default defineConfig({
  base: './',
  publicDir: false,
  plugins: [words(['name', 'locale', 'findings', 'outcomes'], ['verifier', 'language', 'cancel']), inlined()],
  worker: { format: 'iife' },
  build: {
    outDir: 'dist',
    emptyOutDir: false,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    rollupOptions: { input: 'verifier.html' },
  },
});
