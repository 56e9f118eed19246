//! A connection that is always ready, for libraries that block and for those that wait.

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection in memory: the same burst of bytes comes again and again, and what is sent is gone.
pub struct Wire {
    burst: Bytes,
    at: usize,
}

impl Wire {
    /// A wire on which `burst` comes.
    pub fn new(burst: Bytes) -> Wire {
        Wire { burst, at: 0 }
    }

    /// The length of a burst, in bytes.
    pub(crate) fn burst_bytes(&self) -> usize {
        self.burst.len()
    }

    /// What there is to read, up to `bytes_max` and up to the end of the burst.
    pub(crate) fn next(&mut self, bytes_max: usize) -> &[u8] {
        let start = self.at;
        let end = self.burst.len().min(start.saturating_add(bytes_max));
        self.at = if end == self.burst.len() { 0 } else { end };
        black_box(&self.burst[start..end])
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.next(buffer.len());
        buffer[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(black_box(bytes).len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buffer.put_slice(self.next(buffer.remaining()));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
