import { defineConfig } from 'vite';
import { words } from './words.ts';

// The page is served by the nvr server itself, from '/' or whatever path a proxy shows it under (so all is relative),
// under a strict Content-Security-Policy: nothing may be inlined into the HTML, and no asset may become a data: URL
// that the policy would refuse.
export default defineConfig({
  base: './',
  plugins: [words()],
  build: {
    outDir: 'dist',
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // hls.js is one lazily loaded chunk of about 375 kB; splitting it would not make it arrive sooner.
    chunkSizeWarningLimit: 500,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' }, fs: { allow: ['..'] } },
});
