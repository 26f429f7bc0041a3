//! Heads of requests: one that has begun must arrive soon, so that nobody holds a connection by dribbling; between two
//! requests a connection may rest for longer, so that clients need not connect anew each time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

/// How a connection stands with the head of its next request.
#[derive(Clone, Copy)]
struct Head {
    /// It has begun and is not whole; the first one counts from the connection on.
    begun: bool,
    /// A request is being answered: what comes is its body.
    answering: bool,
    /// Heads that were whole.
    whole: u64,
}

impl Head {
    /// Nothing is asked, and nothing is being answered.
    const fn rests(&self) -> bool {
        !self.begun && !self.answering
    }
}

/// What is known of the heads of one connection.
#[derive(Clone)]
pub(crate) struct Heads(Arc<watch::Sender<Head>>);

impl Heads {
    /// Those of a connection that was just made.
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Head { begun: true, answering: false, whole: 0 })))
    }

    /// A head is whole: its request is being answered.
    pub(crate) fn whole(&self) {
        self.0.send_modify(|head| *head = Head { begun: false, answering: true, whole: head.whole.wrapping_add(1) });
    }

    /// The answer to a request, which is answered when the last of it was taken: what comes next is another head.
    pub(crate) fn answers(&self, body: axum::body::Body) -> axum::body::Body {
        axum::body::Body::new(Answer { body, heads: self.clone() })
    }

    /// Returns when the connection is between two requests.
    pub(crate) async fn rests(&self) {
        self.stands(Head::rests).await;
    }

    /// Returns when it is not.
    pub(crate) async fn works(&self) {
        self.stands(|head| !head.rests()).await;
    }

    async fn stands(&self, so: impl FnMut(&Head) -> bool) {
        if self.0.subscribe().wait_for(so).await.is_err() {
            std::future::pending().await
        }
    }

    fn came(&self) {
        self.0.send_if_modified(|head| {
            let begins = head.rests();
            head.begun |= begins;
            begins
        });
    }

    /// Returns when a head takes longer than this.
    pub(crate) async fn overdue(&self, most: Duration) {
        let mut seen = self.0.subscribe();
        loop {
            let Ok(whole) = seen.wait_for(|head| head.begun).await.map(|head| head.whole) else { return };
            if tokio::time::timeout(most, seen.wait_for(|head| head.whole != whole)).await.is_err() {
                return;
            }
        }
    }

    /// Tells of what comes in.
    pub(crate) fn hear<S>(&self, stream: S) -> Heard<S> {
        Heard { stream, heads: self.clone() }
    }
}

/// An answer that tells when it is at its end, or given up.
struct Answer {
    body: axum::body::Body,
    heads: Heads,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.heads.0.send_modify(|head| head.answering = false);
    }
}

/// A stream that tells when a head begins.
pub(crate) struct Heard<S> {
    stream: S,
    heads: Heads,
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        if into.filled().len() > before {
            self.heads.came();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
