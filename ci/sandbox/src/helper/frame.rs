//! Calls and replies on the helper's stream: fixed headers, then bytes of the announced length.

use std::io::{self, Read, Write};

/// More than any payload: a length beyond it is a broken stream.
const MAX_LENGTH: u64 = 1 << 32;

/// A request to run a handler.
pub(super) struct Call {
    pub(super) id: u64,
    pub(super) handler: String,
    pub(super) payload: Vec<u8>,
}

/// What became of it.
pub(super) struct Answer {
    pub(super) id: u64,
    pub(super) result: Result<Vec<u8>, String>,
}

pub(super) fn write_call(
    stream: &mut impl Write,
    id: u64,
    handler: &str,
    payload: &[u8],
) -> io::Result<()> {
    write(stream, id, &[handler.as_bytes(), payload])
}

pub(super) fn read_call(stream: &mut impl Read) -> io::Result<Call> {
    let id = read_number(stream)?;
    let handler = String::from_utf8(read_part(stream)?).map_err(io::Error::other)?;
    Ok(Call {
        id,
        handler,
        payload: read_part(stream)?,
    })
}

pub(super) fn write_reply(
    stream: &mut impl Write,
    id: u64,
    result: &Result<Vec<u8>, String>,
) -> io::Result<()> {
    match result {
        Ok(bytes) => write(stream, id, &[b"", bytes]),
        Err(message) => write(stream, id, &[b"!", message.as_bytes()]),
    }
}

pub(super) fn read_reply(stream: &mut impl Read) -> io::Result<Answer> {
    let id = read_number(stream)?;
    let failed = !read_part(stream)?.is_empty();
    let bytes = read_part(stream)?;
    let result = if failed {
        Err(String::from_utf8_lossy(&bytes).into_owned())
    } else {
        Ok(bytes)
    };
    Ok(Answer { id, result })
}

/// In one go, so that small calls are one packet.
fn write(stream: &mut impl Write, id: u64, parts: &[&[u8]]) -> io::Result<()> {
    let mut frame = id.to_le_bytes().to_vec();
    for part in parts {
        frame.extend_from_slice(&(part.len() as u64).to_le_bytes());
        frame.extend_from_slice(part);
    }
    stream.write_all(&frame)
}

fn read_number(stream: &mut impl Read) -> io::Result<u64> {
    let mut number = [0; 8];
    stream.read_exact(&mut number)?;
    Ok(u64::from_le_bytes(number))
}

fn read_part(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let length = read_number(stream)?;
    if length > MAX_LENGTH {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut part = Vec::new();
    if stream.take(length).read_to_end(&mut part)? as u64 == length {
        Ok(part)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_replies_survive_the_way() {
        let mut stream = Vec::new();
        write_call(&mut stream, 7, "remove", &[0, 255]).unwrap();
        let call = read_call(&mut stream.as_slice()).unwrap();
        assert_eq!(
            (call.id, call.handler.as_str(), call.payload),
            (7, "remove", vec![0, 255])
        );

        for result in [
            Ok(vec![1, 2]),
            Ok(vec![]),
            Err("no".to_owned()),
            Err(String::new()),
        ] {
            let mut stream = Vec::new();
            write_reply(&mut stream, 9, &result).unwrap();
            let reply = read_reply(&mut stream.as_slice()).unwrap();
            assert_eq!((reply.id, reply.result), (9, result));
        }
    }

    #[test]
    fn a_cut_stream_is_an_error() {
        let mut stream = Vec::new();
        write_call(&mut stream, 7, "remove", b"payload").unwrap();
        for length in 0..stream.len() {
            assert!(
                read_call(&mut &stream[..length]).is_err(),
                "cut at {length}"
            );
        }
    }

    #[test]
    fn an_absurd_length_is_refused_before_memory_is_taken() {
        let mut stream = [0; 16];
        stream[8..].fill(0xff);
        assert!(read_reply(&mut stream.as_slice()).is_err());
    }
}
