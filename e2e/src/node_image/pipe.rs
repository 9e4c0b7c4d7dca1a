//! A stream of bytes that a thread writes, for request bodies of formats that are written.

use std::io::{self, BufWriter, Write};

use bytes::Bytes;
use futures::Stream;
use tokio::sync::mpsc;

/// Runs `write` on a thread of its own and streams what it writes. The stream ends without an error only if `write`
/// ended well; if nobody reads on, its next write fails.
pub(super) fn stream(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static {
    let (sender, receiver) = mpsc::channel(8);
    let writer = tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(1 << 18, ChunkSender(sender));
        write(&mut out)?;
        out.flush()
    });
    let stream = futures::stream::unfold(Some((receiver, writer)), |state| async move {
        let (mut receiver, writer) = state?;
        if let Some(bytes) = receiver.recv().await {
            return Some((Ok(bytes), Some((receiver, writer))));
        }
        let verdict = writer.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        verdict.err().map(|error| (Err(error), None))
    });
    Box::pin(stream)
}

struct ChunkSender(mpsc::Sender<Bytes>);

impl Write for ChunkSender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Bytes::copy_from_slice(bytes));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt as _;

    #[tokio::test]
    async fn reader_receives_all_written_bytes() {
        let mut stream = stream(|out| (0..100u8).try_for_each(|byte| out.write_all(&[byte; 10_000])));
        let mut length = 0;
        while let Some(bytes) = stream.next().await {
            length += bytes.unwrap().len();
        }
        assert_eq!(length, 1_000_000);
    }

    #[tokio::test]
    async fn a_writer_that_fails_ends_the_stream_with_its_error() {
        let stream = stream(|out| {
            out.write_all(b"half")?;
            Err(io::Error::other("the file is gone"))
        });
        let parts: Vec<_> = stream.collect().await;
        assert_eq!(parts.last().unwrap().as_ref().unwrap_err().to_string(), "the file is gone");
    }

    #[tokio::test]
    async fn a_writer_that_nobody_reads_is_reported() {
        let (told, tell) = tokio::sync::oneshot::channel();
        let stream = stream(|out| {
            let ended = std::iter::repeat_with(|| out.write_all(&vec![0; 1 << 18])).find_map(Result::err);
            told.send(ended.map(|error| error.kind())).unwrap();
            Ok(())
        });
        drop(stream);
        assert_eq!(tell.await.unwrap(), Some(io::ErrorKind::BrokenPipe));
    }
}
