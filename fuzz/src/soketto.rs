//! soketto's codec in the harness for frames: an example of one that waits for its bytes.
//!
//! It is a future, which is polled when there are more bytes. What comes of them is left where both
//! it and the harness get at it.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_io::{AsyncRead, AsyncWrite};
use headcount_support::fuzz::fast::{Codec, Failure, Kind, MessageLimits, Outcome};
use headcount_support::fuzz::{Deflate, Wire};
use soketto::connection::{Builder, Error};
use soketto::{Data, Incoming, Mode, Receiver};

/// A connection, once there was a first one.
#[derive(Default)]
pub struct Soketto {
    shared: Rc<RefCell<Shared>>,
    reading: Option<Pin<Box<dyn Future<Output = Failure>>>>,
}

#[derive(Default)]
struct Shared {
    wire: Wire,
    answers: Vec<u8>,
    events: Vec<(Kind, Vec<u8>)>,
}

/// Its end of the connection.
struct Socket(Rc<RefCell<Shared>>);

impl Codec for Soketto {
    fn restart(&mut self, limits: &MessageLimits, deflate: Deflate) {
        assert_eq!(deflate, Deflate::No, "it is built without the extension");
        self.shared.take();
        let mut builder = Builder::new(Socket(Rc::clone(&self.shared)), Mode::Server);
        builder.set_max_frame_size(limits.frame_bytes_max as usize);
        builder.set_max_message_size(limits.message_bytes_max as usize);
        self.reading = Some(Box::pin(read(builder.finish().1, Rc::clone(&self.shared))));
    }

    fn receive(&mut self, bytes: &mut [u8], found: &mut Outcome) -> Result<(), Failure> {
        self.shared.borrow_mut().wire.0.extend_from_slice(bytes);
        let reading = self.reading.as_mut().expect("it was begun");
        let polled = reading.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let mut shared = self.shared.borrow_mut();
        shared.note_pings();
        shared.events.drain(..).for_each(|(kind, payload)| found.push(kind, &payload));
        match polled {
            Poll::Ready(failure) => Err(failure),
            Poll::Pending => Ok(()),
        }
    }

    fn held_bytes(&self) -> usize {
        0
    }

    fn may_differ(&self, expected: &Outcome, found: &Outcome) -> bool {
        // It takes what is not masked, long forms of a length, any number of fragments and a Close
        // of one byte.
        let is_lenient = expected.failure().is_some() && expected.is_start_of(found);
        // It looks at text when that is whole, and reads what is too long to its end; but a length
        // it refuses before the mask has come.
        let waits = found.failure().is_none();
        let is_early = found.failure() == Some(Failure::Code(1009));
        // It reads nothing after a Close, and at a Pong forgets which message is open.
        let stops = found.kinds().any(|kind| matches!(kind, Kind::Close(_) | Kind::Pong));
        let is_replaced = found.kinds().last() == Some(Kind::Close(Some(1002)));
        is_lenient || is_replaced || (waits || is_early || stops) && found.is_start_of(expected)
    }
}

/// Reads until it reads no more.
async fn read(mut receiver: Receiver<Socket>, shared: Rc<RefCell<Shared>>) -> Failure {
    let add = |kind, payload| {
        let mut shared = shared.borrow_mut();
        shared.note_pings();
        shared.events.push((kind, payload));
    };
    loop {
        let mut message = Vec::new();
        match receiver.receive(&mut message).await {
            // A text is for the caller to check.
            Ok(Incoming::Data(Data::Text(_))) if str::from_utf8(&message).is_err() => {
                return Failure::Code(1007);
            }
            Ok(Incoming::Data(Data::Text(_))) => add(Kind::Text, message),
            Ok(Incoming::Data(Data::Binary(_))) => add(Kind::Binary, message),
            Ok(Incoming::Pong(data)) => add(Kind::Pong, data.to_vec()),
            Ok(Incoming::Closed(reason)) => {
                add(Kind::Close(Some(reason.code)), Vec::new());
                return Failure::Code(1000);
            }
            // So it tells of a Close that has no code.
            Err(Error::Closed) => {
                add(Kind::Close(None), Vec::new());
                return Failure::Code(1000);
            }
            Err(error) => return failure(&error),
        }
    }
}

/// The codes are those of RFC 6455 §7.4.1.
fn failure(error: &Error) -> Failure {
    use soketto::base::Error::PayloadTooLarge;
    Failure::Code(match error {
        Error::Codec(PayloadTooLarge { .. }) | Error::MessageTooLarge { .. } => 1009,
        Error::Codec(_) | Error::UnexpectedOpCode(_) => 1002,
        Error::Utf8(_) => 1007,
        error => panic!("{error:?}"),
    })
}

impl Shared {
    /// It tells nobody of a Ping, but answers it.
    fn note_pings(&mut self) {
        let mut answers = &self.answers[..];
        while let [0x8A, length, rest @ ..] = answers {
            let (payload, rest) = rest.split_at(usize::from(*length));
            self.events.push((Kind::Ping, payload.to_vec()));
            answers = rest;
        }
        self.answers.clear();
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.0.borrow_mut().wire.read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
            read => Poll::Ready(read),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.borrow_mut().answers.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
