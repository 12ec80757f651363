//! Blobs, read piece by piece, verified in passing, and taken up again where a connection broke or an earlier run stopped.

use std::collections::VecDeque;

use ci_http::header::{CONTENT_RANGE, RANGE};
use ci_http::{Attempts, Bytes, Method, RequestBuilder, Response, StatusCode};
use ci_oci::{Descriptor, Digest, Reference};
use sha2::{Digest as _, Sha256};

use crate::client::Client;
use crate::error::Error;
use crate::session::{Access, Session};

/// So many bytes are progress enough to begin counting failures anew.
const PROGRESS: u64 = 1 << 20;

/// The beginning of a blob that is here already.
#[derive(Debug, Clone)]
pub struct Resume {
    /// Its length in bytes.
    pub offset: u64,
    /// The hash over it.
    pub hash: Sha256,
}

/// A blob that is being read.
#[derive(Debug)]
pub struct Blob {
    descriptor: Descriptor,
    place: Session,
    /// Where else it can be had, the next first.
    further: VecDeque<Session>,
    /// What the places before this one said.
    errors: Vec<(String, Error)>,
    reading: Option<Reading>,
    hash: Sha256,
    position: u64,
    attempts: Attempts,
    /// Where the attempts were last counted from.
    counted: u64,
}

/// A response, and how many of its bytes are here already.
#[derive(Debug)]
struct Reading {
    response: Response,
    skip: u64,
}

impl Client {
    /// Begins to read a blob of `reference`'s repository, or goes on behind `resume`, which is taken to be the blob's beginning. If
    /// it is not, the digest is wrong at the end, and it has to be read from the beginning.
    ///
    /// # Errors
    /// It is not there or not for us; what is there has another size.
    pub async fn blob(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        resume: Option<Resume>,
    ) -> Result<Blob, Error> {
        let places = self.sources(reference)?.into_iter();
        let mut places: VecDeque<Session> = places
            .map(|endpoint| Session::new(self, endpoint, Access::Pull))
            .collect();
        let place = match places.pop_front() {
            Some(place) => place,
            None => Session::new(self, self.target(reference)?, Access::Pull),
        };
        let resume = resume.unwrap_or_else(|| Resume {
            offset: 0,
            hash: Sha256::new(),
        });
        let mut blob = Blob {
            descriptor: descriptor.clone(),
            attempts: place.endpoint.http.attempts(),
            place,
            further: places,
            errors: Vec::new(),
            reading: None,
            hash: resume.hash,
            position: resume.offset,
            counted: resume.offset,
        };
        if blob.position < descriptor.size {
            blob.open_anywhere().await?;
        }
        Ok(blob)
    }
}

impl Blob {
    /// The next piece; `None` at the end, once size and digest have proved right.
    ///
    /// # Errors
    /// The content is not what was asked for, or no place gives all of it.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        while self.position < self.descriptor.size {
            let Some(reading) = &mut self.reading else {
                self.open_anywhere().await?;
                continue;
            };
            match reading.next().await {
                Ok(Some(piece)) => return self.take(piece).map(Some),
                // Shorter than it said, which is another way of breaking.
                Ok(None) => {
                    let error = self.size(self.position);
                    self.broken(error).await?;
                }
                Err(error) => self.broken(error.into()).await?,
            }
        }
        if let Some(mut reading) = self.reading.take()
            && let Ok(Some(more)) = reading.next().await
        {
            return Err(self.size(self.position + more.len() as u64));
        }
        let found = Digest::from_bytes(self.hash.clone().finalize().into());
        if found != self.descriptor.digest || self.position != self.descriptor.size {
            return Err(Error::Mismatch {
                host: self.place.endpoint.host.clone(),
                what: self.name(),
                expected: self.descriptor.digest,
                found,
            });
        }
        Ok(None)
    }

    /// How many bytes of the blob are here, those before it was resumed included.
    pub fn position(&self) -> u64 {
        self.position
    }

    fn take(&mut self, piece: Bytes) -> Result<Bytes, Error> {
        let position = self.position + piece.len() as u64;
        if position > self.descriptor.size {
            return Err(self.size(position));
        }
        self.hash.update(&piece);
        self.position = position;
        if position - self.counted >= PROGRESS {
            self.counted = position;
            self.attempts.reset();
        }
        Ok(piece)
    }

    /// The connection broke: the same place again, or the next one.
    async fn broken(&mut self, error: Error) -> Result<(), Error> {
        self.reading = None;
        if self.attempts.again(None).await {
            return Ok(());
        }
        self.next_place(error)
    }

    /// Opens the blob where it is to be read on, at the first place that has it.
    async fn open_anywhere(&mut self) -> Result<(), Error> {
        loop {
            match self.open().await {
                Ok(reading) => {
                    self.reading = Some(reading);
                    return Ok(());
                }
                Err(error) => self.next_place(error)?,
            }
        }
    }

    fn next_place(&mut self, error: Error) -> Result<(), Error> {
        self.place
            .client
            .failed_at(&self.place.endpoint.host, &error);
        let foreign = error.is_not_found() && !self.descriptor.urls.is_empty();
        let error = match foreign {
            true => Error::Foreign {
                what: self.name(),
                place: self.place.endpoint.name(),
            },
            false => error,
        };
        self.errors.push((self.place.endpoint.host.clone(), error));
        match self.further.pop_front() {
            Some(place) => {
                self.place = place;
                self.attempts.reset();
                Ok(())
            }
            None => Err(Error::everywhere(std::mem::take(&mut self.errors))),
        }
    }

    async fn open(&self) -> Result<Reading, Error> {
        let (from, size) = (self.position, self.descriptor.size);
        let mut response = self.get(from).await?;
        // Some that know ranges do not like ours.
        if from > 0 && response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            response = self.get(0).await?;
        }
        let (begins, total) = match response.status() {
            StatusCode::OK => (0, response.content_length()),
            StatusCode::PARTIAL_CONTENT => content_range(&response).ok_or_else(|| {
                self.protocol("it sends a part of a blob without saying which".to_owned())
            })?,
            _ => return Err(self.place.failed(&self.name(), response).await),
        };
        // A registry that does not know ranges begins at the beginning, and what is here already is passed over.
        if begins > from {
            return Err(self.protocol(format!(
                "asked for bytes from {from} on, it sends from {begins}"
            )));
        }
        match total {
            Some(total) if total != size => Err(self.size(total)),
            _ => Ok(Reading {
                response,
                skip: from - begins,
            }),
        }
    }

    /// Asks for all bytes from one on.
    async fn get(&self, from: u64) -> Result<Response, Error> {
        let Descriptor { digest, size, .. } = &self.descriptor;
        let url = self.place.endpoint.url(&format!("blobs/{digest}"));
        // Both ends, although the second may be left out: not everybody knows that.
        let range = format!("bytes={from}-{}", size.saturating_sub(1));
        let range = |request: RequestBuilder| match from {
            0 => request,
            _ => request.header(RANGE, &range),
        };
        self.place.send(Method::GET, &url, range).await
    }

    fn name(&self) -> String {
        format!("the blob {}", self.descriptor.digest)
    }

    fn size(&self, found: u64) -> Error {
        Error::Size {
            host: self.place.endpoint.host.clone(),
            what: self.name(),
            expected: self.descriptor.size,
            found,
        }
    }

    fn protocol(&self, problem: String) -> Error {
        Error::protocol(&self.place.endpoint.host, problem)
    }
}

impl Reading {
    /// The next bytes that are new.
    async fn next(&mut self) -> Result<Option<Bytes>, ci_http::Error> {
        while let Some(mut piece) = self.response.chunk().await? {
            let known = self.skip.min(piece.len() as u64);
            self.skip -= known;
            // `known` is at most the piece's length.
            let new = piece.split_off(usize::try_from(known).unwrap_or(piece.len()));
            if !new.is_empty() {
                return Ok(Some(new));
            }
        }
        Ok(None)
    }
}

/// Where a part begins and how long the whole is, as `bytes 5-9/10` says (RFC 9110, section 14.4).
fn content_range(response: &Response) -> Option<(u64, Option<u64>)> {
    let value = response.header(CONTENT_RANGE)?.strip_prefix("bytes ")?;
    let (range, total) = value.split_once('/')?;
    let (begin, _) = range.split_once('-')?;
    Some((begin.trim().parse().ok()?, total.trim().parse().ok()))
}
