//! Checks of the report's page, as scripts that run in it.

/// A check of the page.
pub(super) struct Check {
    pub(super) name: &'static str,
    /// The window's size.
    pub(super) size: (u32, u32),
    /// True for the dark color scheme.
    pub(super) dark: bool,
    /// The fragment of the URL.
    pub(super) fragment: &'static str,
    /// Returns `true`, or a description of the error.
    pub(super) script: &'static str,
}

/// A script that resolves once the page has rendered.
pub(super) const WAIT_FOR_RENDER: &str =
    "new Promise((done) => { const look = () => document.documentElement?.dataset.ready
    ? requestAnimationFrame(() => done(true)) : setTimeout(look, 5); look(); })";

/// A script that opens the first spec, if none is open, and scrolls to its timeline.
pub(super) const SCROLL_TO_TIMELINE: &str = "new Promise((done) => {
    if (!document.getElementById('timeline')) document.querySelector('#list .row').click();
    document.getElementById('timeline')?.scrollIntoView();
    requestAnimationFrame(() => requestAnimationFrame(() => done(true))); })";

const WIDE: (u32, u32) = (1440, 900);
const PHONE: (u32, u32) = (390, 844);

const fn wide(name: &'static str, fragment: &'static str, script: &'static str) -> Check {
    Check { name, size: WIDE, dark: false, fragment, script }
}

pub(super) const CHECKS: [Check; 13] = [
    wide(
        "the first failure is open, with its reason, place and difference",
        "",
        "const card = document.querySelector('#detail .failure')?.innerText || '';
        const difference = document.querySelectorAll('#detail .failure .minus, #detail .failure .plus').length;
        return card.includes('should have condition Ready=True within 60s') && card.includes('failing.rs:') && difference >= 2 || card;",
    ),
    wide(
        "the timeline has steps, waits, objects, events and logs on one clock",
        "",
        "const missing = ['Spec', 'Waits', 'Objects', 'Events', 'Logs'].filter((lane) => !document.querySelector(`#timeline [data-lane=${lane}]`));
        const times = [...document.querySelectorAll('#timeline .moment .at')].map((at) => app.data && at.textContent);
        const own = app.data.report.specs.find((spec) => spec.id === app.state.spec).attempts[0].timeline.map((moment) => moment.at);
        const sorted = own.every((at, index) => index === 0 || own[index - 1] <= at);
        return missing.length === 0 && times.length > 10 && sorted || `missing: ${missing}, ${times.length} moments, sorted: ${sorted}`;",
    ),
    wide(
        "the timeline names the cause: who holds the instance, in an object's difference",
        "",
        "for (const summary of document.querySelectorAll('#timeline .moment[data-kind=watch] summary')) summary.click();
        await new Promise((done) => setTimeout(done, 50));
        const held = [...document.querySelectorAll('#timeline .moment .plus')].some((line) => line.textContent.includes('backup.example.com/snapshot'));
        return held || document.querySelector('#timeline').innerText.slice(0, 2000);",
    ),
    wide(
        "the timeline names the cause: an event and a log line tell of it",
        "",
        "const told = (kind) => [...document.querySelectorAll(`#timeline .moment[data-kind=${kind}]`)].some((row) => row.innerText.includes('somebody else is deleting it'));
        return told('event') && told('log') || `event: ${told('event')}, log: ${told('log')}`;",
    ),
    wide(
        "a lane that is switched off is not shown, and comes back",
        "",
        "const logs = () => document.querySelectorAll('#timeline .moment[data-kind=log]').length;
        const lane = document.querySelector('[data-lane=Logs]');
        const before = logs(); lane.click(); const without = logs(); lane.click();
        return before > 0 && without === 0 && logs() === before || `${before}, ${without}, ${logs()}`;",
    ),
    wide(
        "the outcomes filter the list",
        "",
        "const shown = () => document.querySelectorAll('#list .row').length;
        const counts = ['failed', 'passed', 'all'].map((only) => { document.querySelector(`[data-only=${only}]`).click(); return shown(); });
        return String(counts) === '1,1,2' || String(counts);",
    ),
    wide(
        "the search finds what was logged, and says when there is nothing",
        "",
        "const search = document.getElementById('search');
        const found = (text) => { search.value = text; search.dispatchEvent(new Event('input')); return document.querySelectorAll('#list .row').length; };
        const counts = [found('SOMEBODY else deleting'), found('no such word anywhere')];
        const empty = document.querySelector('#list .empty')?.innerText;
        return String(counts) === '1,0' && empty === 'Nothing matches.' || `${counts} ${empty}`;",
    ),
    wide(
        "an address keeps the filters and the spec",
        "#only=passed&q=nothing%20is%20lost",
        "const row = document.querySelectorAll('#list .row');
        if (row.length !== 1) return `${row.length} rows`;
        row[0].click();
        const kept = new URLSearchParams(location.hash.slice(1));
        return kept.get('only') === 'passed' && kept.get('spec') === row[0].dataset.spec || location.hash;",
    ),
    wide(
        "an artefact opens in the page and shows what it holds",
        "",
        "const files = [...document.querySelectorAll('#artefacts details')];
        const events = files.find((file) => file.dataset.file === 'events.txt');
        if (!events) return files.map((file) => file.dataset.file).join();
        events.querySelector('summary').click();
        await new Promise((done) => setTimeout(done, 50));
        return events.innerText.includes('ProviderFailed') || events.innerText;",
    ),
    wide(
        "no secret is anywhere in the page",
        "",
        "const text = JSON.stringify(app.data);
        return !text.includes('under-the-sea') && !text.includes(btoa('under-the-sea')) && text.includes('(masked, 13 bytes)') || 'a secret, or no Secret at all';",
    ),
    Check {
        name: "nothing is wider than a phone, and a spec opens over the list",
        size: PHONE,
        dark: false,
        fragment: "",
        script: "const width = () => document.documentElement.scrollWidth;
            const list = width();
            document.querySelector('#list .row').click();
            await new Promise((done) => setTimeout(done, 50));
            const detail = width();
            const hidden = getComputedStyle(document.getElementById('list')).display === 'none';
            document.querySelector('.back').click();
            const back = getComputedStyle(document.getElementById('list')).display !== 'none';
            return list <= 390 && detail <= 390 && hidden && back || `${list}, ${detail}, ${hidden}, ${back}`;",
    },
    Check {
        name: "in the dark the page is dark and its text is not",
        size: WIDE,
        dark: true,
        fragment: "",
        script: "const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 765;
            const style = getComputedStyle(document.body);
            const [ground, ink] = [light(style.backgroundColor), light(style.color)];
            return ground < 0.15 && ink > 0.7 || `${ground}, ${ink}`;",
    },
    wide(
        "the keys j, k and / walk through the specs and to the search",
        "",
        "const press = (key) => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
        const current = () => document.querySelector('#list [aria-current=true]')?.dataset.spec;
        const first = current(); press('j'); const second = current(); press('k'); const third = current(); press('/');
        return first && second && first !== second && third === first && document.activeElement.id === 'search' || `${first}, ${second}, ${third}`;",
    ),
];
