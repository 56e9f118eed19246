//! The page in one piece: its style, modules and picture are put into its HTML.
//!
//! A page of several files is several requests. Each of them can be refused, by one of our limits
//! or by a proxy, or be lost with its connection, and a page without its module can't even try
//! again. In one piece the page is there or it is not; the WebSocket, which is all that it needs
//! besides, is tried again until it is there. The files stay apart in `www/`, and are served too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const HTML: &str = include_str!("../www/index.html");
const STYLE: &str = include_str!("../www/style.css");
const PICTURE: &str = include_str!("../www/favicon.svg");
/// The modules, each after those that it imports. Together they are one, so no two may have the
/// same name at their top level.
const MODULES: [&str; 3] = [
    include_str!("../www/headcount.js"),
    include_str!("../www/words.js"),
    include_str!("../www/page.js"),
];

/// What the HTML names and what it gets in its place.
const STYLE_LINK: &str = r#"<link rel="stylesheet" href="style.css">"#;
const MODULE_PRELOAD: &str = "    <link rel=\"modulepreload\" href=\"headcount.js\">\n";
const MODULE_SOURCE: &str = r#" src="page.js" blocking="render"></script>"#;
const PICTURE_SOURCE: &str = r#""favicon.svg""#;

/// The page, and what it may load and run.
#[derive(Debug)]
pub struct Page {
    /// The HTML.
    pub html: String,
    /// The value of its `Content-Security-Policy`.
    pub policy: String,
}

impl Page {
    /// Puts the page together.
    pub fn new() -> Page {
        let script = module();
        let picture = format!("\"data:image/svg+xml;base64,{}\"", STANDARD.encode(PICTURE));
        let html = HTML
            .replace(STYLE_LINK, &format!("<style>{STYLE}</style>"))
            .replace(MODULE_PRELOAD, "")
            .replace(MODULE_SOURCE, &format!(" blocking=\"render\">{script}</script>"))
            .replace(PICTURE_SOURCE, &picture);
        Page { html, policy: policy(&source(&script), &source(STYLE)) }
    }
}

impl Default for Page {
    fn default() -> Page {
        Page::new()
    }
}

/// What a file of ours may load and run: only what this server sends, and of what stands in a page
/// itself only this script and this style (CSP Level 3).
pub fn policy(script: &str, style: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'{script}; style-src 'self'{style}; \
         img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    )
}

/// A text as a source of a policy.
fn source(text: &str) -> String {
    format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// All modules as one. Their imports and exports are lines that begin with that word.
fn module() -> String {
    let lines = MODULES.into_iter().flat_map(str::lines);
    let mut module = String::new();
    for line in lines.filter(|line| !line.starts_with("import ")) {
        module.push_str(line.strip_prefix("export ").unwrap_or(line));
        module.push('\n');
    }
    module
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_needs_no_other_file() {
        for part in [STYLE_LINK, MODULE_PRELOAD, MODULE_SOURCE, PICTURE_SOURCE] {
            assert!(HTML.contains(part), "{part}");
        }
        let html = Page::new().html;
        for reference in [" src=\"", " href=\""] {
            for target in html.split(reference).skip(1) {
                assert!(target.starts_with("data:"), "{:?}", target.lines().next());
            }
        }
        assert!(!html.contains("\nimport ") && !html.contains("\nexport "));
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    }

    /// Nothing in a file may end the element that it stands in.
    #[test]
    fn files_stay_within_their_elements() {
        let script = module().to_ascii_lowercase();
        for end in ["</script", "<script", "<!--"] {
            assert!(!script.contains(end), "{end}");
        }
        assert!(!STYLE.to_ascii_lowercase().contains("</style"));
        // HTML has CR LF read as LF, which would make another hash.
        assert!(!script.contains('\r') && !STYLE.contains('\r'));
    }

    #[test]
    fn policy_names_the_script_and_the_style() {
        let Page { html, policy } = Page::new();
        let inside = |start: &str, end: &str| {
            let (_, rest) = html.split_once(start).unwrap();
            source(rest.split_once(end).unwrap().0)
        };
        let script = inside(" blocking=\"render\">", "</script>");
        assert!(policy.contains(&format!("script-src 'self'{script};")), "{policy}");
        let style = inside("<style>", "</style>");
        assert!(policy.contains(&format!("style-src 'self'{style};")), "{policy}");
        // From the specification's own example, §8.3 of CSP Level 2.
        let known = " 'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='";
        assert_eq!(source("alert('Hello, world.');"), known);
    }
}
