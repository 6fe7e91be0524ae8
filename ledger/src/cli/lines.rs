//! Reading many lines, each within a bound.

use std::{io, os::fd::AsFd, path::Path};

use tokio::{
    fs::File,
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
};

use super::failure::{Failure, Outcome};

/// The longest line.
const LINE_BYTES: usize = 16 * 1024;

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// Lines with their numbers, each within a bound.
pub struct Lines {
    input: BufReader<Box<dyn AsyncRead + Unpin + Send>>,
    number: u64,
    /// What has been read of the next line.
    line: Vec<u8>,
}

impl Lines {
    /// The lines of that file; of the standard input for `-`.
    pub async fn open(path: &Path) -> Outcome<Self> {
        if path.as_os_str() == "-" {
            let owned = io::stdin().as_fd().try_clone_to_owned();
            let owned = owned.map_err(|error| Failure::system("read the standard input", error))?;
            return Ok(Self::new(Box::new(File::from_std(owned.into()))));
        }
        let file = File::open(path)
            .await
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
        Ok(Self::new(Box::new(file)))
    }

    pub fn new(input: Box<dyn AsyncRead + Unpin + Send>) -> Self {
        Self {
            input: BufReader::new(input),
            number: 0,
            line: Vec::new(),
        }
    }

    /// The next line that is not blank. Cancelling loses nothing.
    pub async fn next(&mut self) -> Outcome<Option<(u64, Vec<u8>)>> {
        loop {
            let left = (LINE_BYTES + 1).saturating_sub(self.line.len());
            let mut limited = (&mut self.input).take(left as u64);
            // What has been read stays in the line if this is cancelled.
            let read = limited.read_until(b'\n', &mut self.line).await;
            read.map_err(|error| Failure::system("read the lines", error))?;
            let mut line = std::mem::take(&mut self.line);
            if line.is_empty() {
                return Ok(None);
            }
            self.number += 1;
            // Some editors begin every file with a mark that says how it is encoded.
            if self.number == 1 && line.starts_with(BYTE_ORDER_MARK) {
                line.drain(..BYTE_ORDER_MARK.len());
            }
            if line.len() > LINE_BYTES {
                return Err(Failure::usage(format!(
                    "line {} is longer than {LINE_BYTES} bytes; nothing after it was sent",
                    self.number
                )));
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some((self.number, line)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use terminal::exit::Code;

    use super::*;

    fn lines(text: &'static [u8]) -> Lines {
        Lines::new(Box::new(text))
    }

    #[tokio::test]
    async fn lines_keep_their_numbers() {
        let mut lines = lines(b"a\n\n  \nb");
        assert_eq!(lines.next().await.unwrap(), Some((1, b"a\n".to_vec())));
        assert_eq!(lines.next().await.unwrap(), Some((4, b"b".to_vec())));
        assert_eq!(lines.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_byte_order_mark_is_no_part_of_the_first_line() {
        let mut lines = lines(b"\xef\xbb\xbfa\n\xef\xbb\xbfb");
        assert_eq!(lines.next().await.unwrap(), Some((1, b"a\n".to_vec())));
        // Anywhere else it is what stands there.
        let second = b"\xef\xbb\xbfb".to_vec();
        assert_eq!(lines.next().await.unwrap(), Some((2, second)));
    }

    #[tokio::test]
    async fn a_read_that_was_given_up_loses_nothing() {
        use std::{
            pin::pin,
            task::{Context, Waker},
        };
        use tokio::io::AsyncWriteExt;

        let (mut writer, reader) = tokio::io::duplex(64);
        let mut lines = Lines::new(Box::new(reader));
        for part in ["fir", "st", " line"] {
            writer.write_all(part.as_bytes()).await.unwrap();
            let mut context = Context::from_waker(Waker::noop());
            assert!(pin!(lines.next()).poll(&mut context).is_pending());
        }
        writer.write_all(b"\nsecond\n").await.unwrap();
        assert_eq!(
            lines.next().await.unwrap(),
            Some((1, b"first line\n".to_vec()))
        );
        assert_eq!(lines.next().await.unwrap(), Some((2, b"second\n".to_vec())));
    }

    #[tokio::test]
    async fn a_line_without_end_is_refused() {
        let endless: &'static [u8] = Box::leak(vec![b' '; LINE_BYTES * 4].into_boxed_slice());
        let failure = lines(endless).next().await.unwrap_err();
        assert_eq!(failure.code, Code::Usage);
    }
}
