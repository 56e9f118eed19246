//! When what was seen of a folder is served.
//!
//! Somebody may be writing to it. So a change is served when two looks agree on it, and what is
//! served is whole as far as anybody can tell: a copy that takes longer than the time between two
//! looks changes something between them.

use crate::assets::Assets;

use super::folder::Unreadable;
use super::left_out::LeftOut;
use super::look::Look;

/// Looks that disagree, before one of them is served all the same: no change of a folder in which
/// something always changes would ever be served otherwise.
const DISAGREEING_MAX: u32 = 10;

/// Looks that fail, before it is told. A link may be gone for a moment while it is switched.
const FAILING_MIN: u32 = 2;

/// What the loop is told.
#[derive(Debug)]
pub(in crate::server) enum News {
    /// Other files are to be served.
    Changed(Assets),
    /// Files are left out, for these reasons.
    LeftOut(String),
    /// The folder can't be read, and what was served stays.
    Unreadable(Unreadable),
}

/// What is served of a folder, and what may be next.
#[derive(Debug)]
pub(super) struct Watch {
    served: Look,
    /// A look that was different, and no other agreed with it so far.
    next: Option<Look>,
    disagreeing: u32,
    failing: u32,
    told: LeftOut,
    /// What was served before. It is kept until the next look, so that it is freed here and not in
    /// the loop, whose copy is gone by then.
    _retired: Option<Look>,
}

impl Watch {
    /// Begins with a look, and says what is to be told of it.
    pub(super) fn begin(served: Look) -> (Watch, Option<News>) {
        let told = served.left_out.clone();
        let news = (!told.is_empty()).then(|| News::LeftOut(told.to_string()));
        let watch = Watch { served, next: None, disagreeing: 0, failing: 0, told, _retired: None };
        (watch, news)
    }

    /// What was seen last, and need not be read again.
    pub(super) fn last_seen(&self) -> &Look {
        self.next.as_ref().unwrap_or(&self.served)
    }

    /// Whether the next look should come soon.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.next.is_some() || (1..FAILING_MIN).contains(&self.failing)
    }

    /// Takes a look, and says what is to be told of it.
    pub(super) fn see(&mut self, look: Result<Look, Unreadable>) -> Vec<News> {
        self._retired = None;
        let look = match look {
            Ok(look) => look,
            Err(unreadable) => return self.fail(unreadable),
        };
        let was_told_failing = std::mem::take(&mut self.failing) >= FAILING_MIN;
        if look.agrees_with(&self.served) {
            // The stamps may be others.
            self.serve(look, was_told_failing)
        } else if self.next.as_ref().is_some_and(|next| next.agrees_with(&look))
            || self.disagreeing == DISAGREEING_MAX
        {
            self.serve(look, true)
        } else {
            self.disagreeing += 1;
            self.next = Some(look);
            Vec::new()
        }
    }

    fn serve(&mut self, look: Look, is_news: bool) -> Vec<News> {
        self.disagreeing = 0;
        self.next = None;
        let mut news = Vec::new();
        if is_news {
            news.push(News::Changed(look.assets()));
        }
        if look.left_out.is_news_after(&self.told) {
            news.push(News::LeftOut(look.left_out.to_string()));
        }
        self.told = look.left_out.clone();
        self._retired = Some(std::mem::replace(&mut self.served, look));
        news
    }

    fn fail(&mut self, unreadable: Unreadable) -> Vec<News> {
        self.next = None;
        self.failing = self.failing.saturating_add(1);
        if self.failing == FAILING_MIN { vec![News::Unreadable(unreadable)] } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn changed(news: &[News]) -> bool {
        matches!(news, [News::Changed(_)])
    }

    fn gone() -> Result<Look, Unreadable> {
        Err(Unreadable { path: "www".into(), error: io::ErrorKind::NotFound.into() })
    }

    #[test]
    fn change_is_served_when_two_looks_agree() {
        let look = |content| Ok(Look::of(&[("index.html", content)]));
        let (mut watch, news) = Watch::begin(look("one").unwrap());
        assert!(news.is_none() && watch.see(look("one")).is_empty() && !watch.is_in_doubt());
        assert!(watch.see(look("tw")).is_empty() && watch.is_in_doubt());
        assert!(watch.see(look("two")).is_empty() && watch.is_in_doubt());
        let news = watch.see(look("two"));
        assert!(changed(&news) && !watch.is_in_doubt());
        let [News::Changed(assets)] = &news[..] else { panic!("{news:?}") };
        assert_eq!(&*assets.get("/").unwrap().body, b"two");
        assert!(assets.get("/headcount.js").is_some());
        assert!(watch.see(look("two")).is_empty());
        // What was only there for one look never was.
        assert!(watch.see(look("half")).is_empty());
        assert!(watch.see(look("two")).is_empty() && !watch.is_in_doubt());
    }

    #[test]
    fn folder_that_never_rests_is_served_now_and_then() {
        let logs: Vec<&'static str> = (0..100).map(|n| &*"x".repeat(n + 1).leak()).collect();
        let (mut watch, _) = Watch::begin(Look::default());
        let served = logs.iter().filter(|log| changed(&watch.see(Ok(Look::of(&[("log", log)])))));
        assert_eq!(served.count(), 100 / (DISAGREEING_MAX as usize + 1));
    }

    #[test]
    fn folder_that_is_gone_is_told_once_and_that_it_is_back_again() {
        let look = || Ok(Look::of(&[("index.html", "one")]));
        let (mut watch, _) = Watch::begin(look().unwrap());
        assert!(watch.see(gone()).is_empty() && watch.is_in_doubt(), "it may be switched");
        assert!(watch.see(look()).is_empty() && !watch.is_in_doubt());
        assert!(watch.see(gone()).is_empty());
        assert!(matches!(&watch.see(gone())[..], [News::Unreadable(_)]));
        assert!((0..50).all(|_| watch.see(gone()).is_empty() && !watch.is_in_doubt()));
        assert!(changed(&watch.see(look())));
    }
}
