//! `report.html`: the run as one page without network access.
//!
//! The page's parts lie beside this file (`page/`); this file puts them together with the report and the artefacts'
//! texts, packed. What the page shows and how is the parts' business.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniz_oxide::deflate::compress_to_vec_zlib;
use serde::Serialize;

use crate::report::model::{Artefact, Report};

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: [&str; 5] = [
    include_str!("page/base.js"),
    include_str!("page/list.js"),
    include_str!("page/timeline.js"),
    include_str!("page/detail.js"),
    include_str!("page/main.js"),
];

/// Most bytes of one artefact in the page; the file beside it has the rest.
const OF_ONE: u64 = 128 << 10;
/// Most bytes of all artefacts, before compression, which makes logs and YAML about ten times smaller.
const OF_ALL: u64 = 24 << 20;

/// zlib's own default.
const COMPRESSION: u8 = 6;

/// Input of the page's script.
#[derive(Serialize)]
struct PageData<'a> {
    report: &'a Report,
    contents: BTreeMap<&'a str, ArtefactText>,
}

/// An artefact's text.
#[derive(Serialize)]
struct ArtefactText {
    text: String,
    /// Note of a missing part.
    #[serde(skip_serializing_if = "String::is_empty")]
    cut: String,
}

/// The page about a report whose artefacts lie below `folder`. An artefact that cannot be read is left out of the
/// page.
///
/// # Errors
/// When the report cannot be packed.
pub fn page(report: &Report, folder: &Path) -> io::Result<String> {
    let mut contents = BTreeMap::new();
    let mut left = OF_ALL;
    let artefacts =
        report.specs.iter().flat_map(|spec| &spec.attempts).flat_map(|attempt| &attempt.artefacts);
    for artefact in artefacts {
        if let Some(content) = content(folder, artefact, left.min(OF_ONE)) {
            left = left.saturating_sub(content.text.len() as u64);
            contents.insert(artefact.path.as_str(), content);
        }
    }
    let data = packed(&PageData { report, contents })?;
    let page = PAGE
        .replace("{{style}}", STYLE)
        .replace("{{script}}", &format!("\"use strict\";\n{}", SCRIPT.concat()));
    Ok(page.replace("{{data}}", &data))
}

/// The end of a file: a log's last lines tell more than its first.
fn content(folder: &Path, artefact: &Artefact, limit: u64) -> Option<ArtefactText> {
    if limit == 0 {
        return None;
    }
    let mut file = File::open(folder.join(&artefact.path)).ok()?;
    let length = file.metadata().ok()?.len();
    let skipped = length.saturating_sub(limit);
    file.seek(SeekFrom::Start(skipped)).ok()?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    if skipped == 0 {
        return Some(ArtefactText { text: text.into_owned(), cut: String::new() });
    }
    let whole_lines = text.split_once('\n').map_or(&*text, |(_, rest)| rest);
    let cut = format!("The last {} of {} kB are shown here;", whole_lines.len() / 1024, length / 1024);
    Some(ArtefactText { text: whole_lines.to_owned(), cut })
}

/// JSON, compressed by zlib, in letters that end no element.
fn packed(data: &PageData<'_>) -> io::Result<String> {
    Ok(STANDARD.encode(compress_to_vec_zlib(&serde_json::to_vec(data)?, COMPRESSION)))
}

#[cfg(test)]
mod tests {
    use miniz_oxide::inflate::decompress_to_vec_zlib;
    use serde_json::Value;

    use super::*;
    use crate::report::model::{Attempt, Outcome, SpecReport};

    fn unpacked(page: &str) -> Value {
        let (_, rest) = page.split_once(r#"id="data">"#).unwrap();
        let bytes = STANDARD.decode(rest.split('<').next().unwrap()).unwrap();
        serde_json::from_slice(&decompress_to_vec_zlib(&bytes).unwrap()).unwrap()
    }

    fn failed(artefact: &str) -> Report {
        let artefact = Artefact { title: "events".into(), path: artefact.into(), bytes: 3 };
        let attempts = vec![Attempt { artefacts: vec![artefact], ..Attempt::default() }];
        let story = "</script><script>alert('x')</script> {{style}}".to_owned();
        let mut report = Report::default();
        report.merge([SpecReport { outcome: Outcome::Failed { story }, attempts, ..SpecReport::default() }]);
        report
    }

    #[test]
    fn the_page_holds_the_report_and_its_artefacts_and_nothing_that_could_end_the_script() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("events.txt"), "one\n").unwrap();
        let page = page(&failed("events.txt"), folder.path()).unwrap();
        let data = unpacked(&page);
        assert_eq!(data["contents"]["events.txt"]["text"], "one\n");
        assert!(data["report"]["specs"][0]["story"].as_str().unwrap().starts_with("</script>"));
        assert!(!page.contains("alert('x')") && page.matches("</script>").count() == 2);
    }

    #[test]
    fn the_page_names_no_other_host() {
        let page = page(&Report::default(), Path::new("/nowhere")).unwrap();
        for mark in ["src=", "@import", "url(", "href=\"http", "https://", "import("] {
            assert!(!page.contains(mark), "the page has {mark}");
        }
        let namespaces = page.matches("http://").count();
        assert_eq!(
            namespaces,
            page.matches("http://www.w3.org/2000/svg").count(),
            "only names of XML namespaces"
        );
    }

    #[test]
    fn a_long_artefact_is_shown_by_its_end_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let lines: Vec<_> = (0..40_000).map(|n| format!("line {n}\n")).collect();
        std::fs::write(folder.path().join("main.log"), lines.concat()).unwrap();
        let data = unpacked(&page(&failed("main.log"), folder.path()).unwrap());
        let content = &data["contents"]["main.log"];
        let text = content["text"].as_str().unwrap();
        assert!(text.starts_with("line ") && text.ends_with("line 39999\n"));
        assert!(text.len() as u64 <= OF_ONE && content["cut"].as_str().unwrap().starts_with("The last "));
    }

    #[test]
    fn an_artefact_that_is_gone_does_not_keep_the_page_from_being_made() {
        let data = unpacked(&page(&failed("gone.txt"), Path::new("/nowhere")).unwrap());
        assert_eq!(data["contents"], serde_json::json!({}));
    }
}
