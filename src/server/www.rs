//! A folder that is served instead of the embedded files.
//!
//! A request never touches the file system: all of the folder is in memory, and a thread of its own
//! looks for changes, since a file system may take its time to answer. What it has read, it hands
//! over as it is to be served. The loop takes that when it is there, and never waits for it.

mod folder;
mod left_out;
mod look;
mod stamp;
mod watch;

use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use crate::assets::Assets;
use crate::config::Config;
use crate::hub::Routes;

use super::mio_net::MioNet;
use folder::Folder;
pub(super) use folder::Unreadable;
use look::Look;
pub(super) use watch::News;
use watch::Watch;

/// The time between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// The time until a look that is to confirm another.
const PAUSE_IN_DOUBT: Duration = Duration::from_millis(300);

/// The longest pause after a look that took long.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Of so many looks one is thorough.
const THOROUGH_EVERY: u32 = 10;

/// News that may wait for the loop; the thread waits with more.
const NEWS_MAX: usize = 4;

/// A folder that is watched, until this is dropped.
#[derive(Debug)]
pub(super) struct Www {
    news: Receiver<News>,
    /// Nothing is ever sent: the thread ends when this is gone, and nobody waits for that.
    _end: Sender<Infallible>,
}

impl Www {
    /// Reads the folder of `--www`, and watches it from then on.
    pub(super) fn of(
        path: PathBuf,
        config: &Config,
        net: &MioNet,
    ) -> Result<(Www, Assets), (String, io::Error)> {
        let folder = Folder {
            path,
            files_max: config.limits.www.www_files_max as usize,
            bytes_max: u64::from(config.limits.www.www_mebibytes_max) << 20,
            routes: Routes::of(config),
        };
        let first = Look::at(&folder, &Look::default(), true).map_err(|unreadable| {
            (format!("can't read {}", unreadable.path.display()), unreadable.error)
        })?;
        let assets = first.assets();
        let look = move |before: &Look, thorough| Look::at(&folder, before, thorough);
        let waker = net.waker().map_err(|error| ("can't create a wake-up".into(), error))?;
        // A wake-up that fails is made up for by the next turn, whatever that is for.
        let www = Www::watch(first, look, move || drop(waker.wake()))
            .map_err(|error| ("can't start a thread".into(), error))?;
        Ok((www, assets))
    }

    /// Watches what `look` finds. `wake` is called when there are news.
    fn watch(
        first: Look,
        look: impl FnMut(&Look, bool) -> Result<Look, Unreadable> + Send + 'static,
        wake: impl Fn() + Send + 'static,
    ) -> io::Result<Www> {
        let (sender, news) = mpsc::sync_channel(NEWS_MAX);
        let (end, ended) = mpsc::channel();
        let watching = move || watch_until(&ended, first, look, &sender, wake);
        thread::Builder::new().name("www".into()).spawn(watching)?;
        Ok(Www { news, _end: end })
    }

    /// Takes what has come about since.
    pub(super) fn take_news(&self) -> Vec<News> {
        self.news.try_iter().take(NEWS_MAX).collect()
    }
}

/// Looks again and again, until `ended` has no sender or `sender` no receiver.
fn watch_until(
    ended: &Receiver<Infallible>,
    first: Look,
    mut look: impl FnMut(&Look, bool) -> Result<Look, Unreadable>,
    sender: &SyncSender<News>,
    wake: impl Fn(),
) {
    let (mut watch, news) = Watch::begin(first);
    let mut news: Vec<News> = news.into_iter().collect();
    let mut took = Duration::ZERO;
    for number in 1_u32.. {
        for news in news.drain(..) {
            if sender.send(news).is_err() {
                return;
            }
            wake();
        }
        let pause = if watch.is_in_doubt() { PAUSE_IN_DOUBT } else { PAUSE };
        if ended.recv_timeout(pause.max(took).min(PAUSE_MAX)) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        let started = Instant::now();
        let seen = look(watch.last_seen(), number % THOROUGH_EVERY == 0);
        took = started.elapsed();
        news = watch.see(seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file system that does not answer, as a network mount whose server is gone.
    #[test]
    fn look_that_hangs_holds_up_nobody_who_asks_for_news() {
        let (is_in, wait_until_in) = mpsc::channel();
        let (_release, hang) = mpsc::channel::<Infallible>();
        let look = move |_: &Look, _| {
            is_in.send(()).unwrap();
            let _ = hang.recv();
            Ok(Look::default())
        };
        let www = Www::watch(Look::of(&[("a", "a")]), look, || {}).unwrap();
        wait_until_in.recv().unwrap();
        let started = Instant::now();
        assert!(www.take_news().is_empty());
        drop(www);
        assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    }

    #[test]
    fn thread_ends_with_whom_it_looks_for() {
        let looks = std::sync::Arc::new(());
        let held = std::sync::Arc::clone(&looks);
        let look = move |_: &Look, _| {
            let _ = &held;
            Ok(Look::default())
        };
        let www = Www::watch(Look::default(), look, || {}).unwrap();
        drop(www);
        let started = Instant::now();
        while std::sync::Arc::strong_count(&looks) > 1 {
            assert!(started.elapsed() < Duration::from_secs(10), "it does not end");
            thread::yield_now();
        }
    }

    #[test]
    fn news_are_told_with_a_wake_up() {
        let (woken, wait_until_woken) = mpsc::channel();
        let look = |_: &Look, _| Ok(Look::of(&[("index.html", "two")]));
        let wake = move || {
            let _ = woken.send(());
        };
        let www = Www::watch(Look::default(), look, wake).unwrap();
        wait_until_woken.recv().unwrap();
        let news = www.take_news();
        assert!(matches!(&news[..], [News::Changed(assets)] if assets.get("/").is_some()));
    }
}
