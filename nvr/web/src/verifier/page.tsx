// The verifier's page: chooses what is checked, shows how far the check is, and says in words what it found, what it
// looked at, and what no check can say.

import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type catalogue from '../../../texts/languages/en.json';
import { fill as filled, LANGS, setLang, startLanguage, useWords, wordsOf, type Lang } from '../shared/i18n';
import { signerKnown, type VerdictName, type Report, type Values } from './report';
import type { Asked, Told } from './worker';
import CheckWorker from './worker?worker&inline';
import './verifier.css';

type Catalogue = typeof catalogue;
type Texts = Pick<Catalogue, 'findings' | 'outcomes'> & { verifier: Catalogue['page']['verifier'] };

/** The build gives these sections of a language only. */
const texts = (lang: Lang): Texts => wordsOf(lang) as unknown as Texts;

type State =
  | { kind: 'idle' }
  | { kind: 'running'; name: string; done: number; total: number }
  | { kind: 'failed'; name: string; told: Extract<Told, { kind: 'failed' }> }
  | { kind: 'done'; name: string; report: Report; outcome: VerdictName; seconds: number };

const FINGERPRINT = /^[0-9a-f]{64}$/;

/** The fingerprint in what was typed or pasted: colons and spaces don't count. */
export const fingerprintIn = (text: string): string => text.toLowerCase().replace(/[^0-9a-f]/g, '');

function bytes(count: number, locale: string): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const unit = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), units.length - 1);
  const value = count / 1000 ** unit;
  const digits = new Intl.NumberFormat(locale, { maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0 });
  return `${digits.format(value)} ${units[unit]}`;
}

function Verifier() {
  const { lang, t } = useWords();
  const v = texts(lang).verifier;
  const [state, setState] = useState<State>({ kind: 'idle' });
  const [fingerprint, setFingerprint] = useState('');
  const [certificate, setCertificate] = useState<File | null>(null);
  const worker = useRef<Worker | null>(null);
  useEffect(() => {
    document.title = `${v.title} – nvr`;
  }, [v]);
  const typed = fingerprintIn(fingerprint);
  const isTypedWrong = typed !== '' && !FINGERPRINT.test(typed);
  const stop = (): void => {
    worker.current?.terminate();
    worker.current = null;
    setState({ kind: 'idle' });
  };
  const begin = (files: Asked['files'], isFolder: boolean, name: string): void => {
    worker.current?.terminate();
    const mine = new CheckWorker();
    worker.current = mine;
    setState({ kind: 'running', name, done: 0, total: files.reduce((sum, one) => sum + one.file.size, 0) });
    mine.onmessage = ({ data: told }: MessageEvent<Told>) => {
      if (worker.current !== mine) return;
      if (told.kind === 'progress') setState({ kind: 'running', name, done: told.done, total: told.total });
      else {
        mine.terminate();
        setState(told.kind === 'report' ? { ...told, kind: 'done', name } : { kind: 'failed', name, told });
      }
    };
    mine.onerror = (event) =>
      setState({ kind: 'failed', name, told: { kind: 'failed', why: 'memory', detail: event.message ?? '' } });
    const asked: Asked = { files, isFolder, fingerprints: typed ? [typed] : [], certificate };
    mine.postMessage(asked);
  };
  const chooseFile = (list: FileList | null): void => {
    const file = list?.[0];
    if (file) begin([{ name: file.name, file }], false, file.name);
  };
  const chooseFolder = (list: FileList | null): void => {
    if (!list || list.length === 0) return;
    const files = [...list].map((file) => ({ name: file.webkitRelativePath.replace(/^[^/]*\//, ''), file }));
    begin(files, true, list[0]!.webkitRelativePath.split('/')[0]!);
  };
  return (
    <>
      <header>
        <strong>nvr</strong>
        <label>
          <span class="hidden">{t.language}</span>
          <select data-testid="verifier-language" value={lang} onChange={(e) => setLang(e.currentTarget.value)}>
            {LANGS.map((one) => (
              <option key={one} value={one}>
                {wordsOf(one).name}
              </option>
            ))}
          </select>
        </label>
      </header>
      <main>
        <h1>{v.title}</h1>
        <p>{v.text}</p>
        <section
          class="choose"
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            if (!isTypedWrong) chooseFile(event.dataTransfer?.files ?? null);
          }}
        >
          <label class="button primary">
            {v.chooseFile}
            <input
              type="file"
              accept=".zip,.mp4"
              data-testid="verifier-file"
              disabled={isTypedWrong}
              onChange={(e) => chooseFile(e.currentTarget.files)}
            />
          </label>
          <label class="button">
            {v.chooseFolder}
            <input
              type="file"
              data-testid="verifier-folder"
              disabled={isTypedWrong}
              {...{ webkitdirectory: true }}
              onChange={(e) => chooseFolder(e.currentTarget.files)}
            />
          </label>
          <p class="hint">{v.chooseHint}</p>
          <details>
            <summary>{v.trust}</summary>
            <p class="hint">{v.trustHint}</p>
            <label class="field">
              {v.fingerprint}
              <input
                type="text"
                data-testid="verifier-fingerprint"
                spellcheck={false}
                value={fingerprint}
                aria-invalid={isTypedWrong}
                onInput={(e) => setFingerprint(e.currentTarget.value)}
              />
            </label>
            {isTypedWrong ? <p role="alert">{v.fingerprintWrong}</p> : null}
            <label class="field">
              {v.certificate}
              <input
                type="file"
                accept=".der,.pem,.crt,.cer"
                data-testid="verifier-certificate"
                onChange={(e) => setCertificate(e.currentTarget.files?.[0] ?? null)}
              />
            </label>
          </details>
        </section>
        <div aria-live="polite">
          {state.kind === 'running' ? (
            <section data-testid="verifier-running">
              <p>{filled(v.checking, { name: state.name })}</p>
              <progress max={Math.max(state.total, 1)} value={state.done} aria-label={v.progress} />
              <p class="hint">
                {filled(v.progressOf, { done: bytes(state.done, t.locale), total: bytes(state.total, t.locale) })}
              </p>
              <button type="button" onClick={stop}>
                {t.cancel}
              </button>
            </section>
          ) : null}
          {state.kind === 'failed' ? (
            <section data-testid="verifier-failed" role="alert">
              <h2>{filled(v.failed, { name: state.name })}</h2>
              <p>{v.failures[state.told.why]}</p>
              <p class="hint">{state.told.detail}</p>
            </section>
          ) : null}
          {state.kind === 'done' ? <Verdict {...state} /> : null}
        </div>
        <section>
          <h2>{v.whatChecked}</h2>
          <ul>
            {v.checked.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
          <h2>{v.whatNot}</h2>
          <ul>
            {v.notChecked.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        </section>
      </main>
    </>
  );
}

function findingText(t: Texts, code: string, values: Values): string {
  const text = (t.findings as Partial<Record<string, string>>)[code] ?? code;
  return filled(text, values).trim();
}

function Verdict({ name, report, outcome, seconds }: Extract<State, { kind: 'done' }>) {
  const { lang, t: all } = useWords();
  const t = texts(lang);
  const v = t.verifier;
  const isGood = outcome === 'valid';
  const word = isGood && !signerKnown(report) ? 'intact' : outcome;
  return (
    <section data-testid="verdict" data-outcome={outcome} class={`verdict ${isGood ? 'good' : 'bad'}`}>
      <h2>
        <span aria-hidden="true">{isGood ? '✓' : '✗'}</span> {t.outcomes[word]}
      </h2>
      <p class="hint">
        {name} · {filled(v.sum, { files: report.files, size: bytes(report.bytes, all.locale) })} ·{' '}
        {filled(v.took, { seconds: new Intl.NumberFormat(all.locale, { maximumFractionDigits: 1 }).format(seconds) })}
      </p>
      {report.findings.length > 0 ? (
        <ul class="findings">
          {report.findings.map((finding, at) => (
            <li
              key={at}
              data-testid="finding"
              data-kind={finding.kind}
              data-code={finding.code}
              data-where={finding.where}
            >
              <strong>{finding.where}</strong>: {findingText(t, finding.code, finding.values)}
            </li>
          ))}
        </ul>
      ) : null}
      {report.notes.length > 0 ? (
        <>
          <h3>{v.notes}</h3>
          <ul>
            {report.notes.map(({ where, code, values }, at) => (
              <li key={at} data-testid="note">
                <strong>{where}</strong>: {findingText(t, code, values)}
              </li>
            ))}
          </ul>
        </>
      ) : null}
      {report.signatures.map((signature) => (
        <dl key={signature.number} data-testid="signature">
          <dt>
            {filled(t.findings.signature, { number: signature.number })} (
            {signature.number === 1 ? t.findings.exporter : t.findings.counter})
          </dt>
          <dd>{signature.subject}</dd>
          <dt>{v.fingerprint}</dt>
          <dd>
            <code>{signature.fingerprint}</code>
          </dd>
          <dd>{signature.known ? v.known : v.unknown}</dd>
          <dd>
            {filled(t.findings.valid_from, {
              start: signature.notBefore.slice(0, 10),
              end: signature.notAfter.slice(0, 10),
            })}
          </dd>
          {signature.remark ? (
            <>
              <dt>{t.findings.remark}</dt>
              <dd>{signature.remark}</dd>
            </>
          ) : null}
        </dl>
      ))}
      <About report={report} />
    </section>
  );
}

/** What the package says of itself, which its signature covers. */
function About({ report }: { report: Report }) {
  const { lang } = useWords();
  const v = texts(lang).verifier;
  const { about } = report;
  if (report.signatures.length === 0) return null;
  const table = (value: unknown): Record<string, unknown> =>
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const request = table(about['request']);
  const unit = about['unit'];
  const cameras = Array.isArray(about['cameras']) ? about['cameras'].map(table) : [];
  const rows: [string, unknown][] = [
    [v.about.id, about['id']],
    [v.about.case, request['case']],
    [v.about.cameras, cameras.map((one) => String(one['name'] ?? '')).join(', ') || about['sources']],
    [v.about.start, request['start'] ?? about['media_time_zero']],
    [v.about.end, request['end']],
    [v.about.made, about['made']],
    [v.about.unit, typeof unit === 'string' ? unit : table(unit)['name']],
    [v.about.operator, request['operator'] ?? about['operator']],
  ];
  return (
    <>
      <h3>{v.says}</h3>
      <dl data-testid="about">
        {rows
          .filter(([, value]) => value !== undefined && value !== '')
          .map(([label, value]) => (
            <>
              <dt key={label}>{label}</dt>
              <dd>{String(value)}</dd>
            </>
          ))}
      </dl>
      <details>
        <summary>{v.files}</summary>
        <ul>
          {Array.isArray(about['files'])
            ? about['files'].map(table).map((file) => (
                <li key={String(file['name'])}>
                  {String(file['name'])} <code>{String(file['sha256'])}</code>
                </li>
              ))
            : null}
        </ul>
      </details>
    </>
  );
}

startLanguage();
render(<Verifier />, document.getElementById('app')!);
