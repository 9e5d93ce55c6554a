//! Reading without a buffer that waits: ten thousand idle connections hold none.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// As much as one TLS record carries.
const CHUNK: usize = 16 * 1024;

/// Read once, lend the bytes to `take`, and return what it makes of them; `None` at the end of the stream.
/// The space is on the stack only while there is something to read.
pub async fn read_once<R, T>(
    reader: &mut R,
    mut take: impl FnMut(&[u8]) -> T,
) -> io::Result<Option<T>>
where
    R: AsyncRead + Unpin,
{
    poll_fn(|context| {
        let mut space = [const { MaybeUninit::<u8>::uninit() }; CHUNK];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut *reader).poll_read(context, &mut buffer))?;
        let bytes = buffer.filled();
        Poll::Ready(Ok((!bytes.is_empty()).then(|| take(bytes))))
    })
    .await
}
