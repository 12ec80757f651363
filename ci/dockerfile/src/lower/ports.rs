//! EXPOSE: ports, ranges of ports, and their protocols.

use std::net::IpAddr;

use super::{Lowering, Outcome, history};
use crate::check::Rule;
use crate::error::Error;
use crate::span::{Span, Spanned};

impl Lowering<'_> {
    pub(super) fn expose(&mut self, written: &[Spanned<String>]) -> Result<Outcome, Error> {
        let mut written: Vec<&Spanned<String>> = written.iter().collect();
        written.sort_by_key(|port| &port.value);
        let mut ports = Vec::new();
        for port in written {
            for spec in self.words(&port.value, port.span)? {
                let more = self.ports(&spec, port.span)?;
                self.spend(port.span, more.iter().map(String::len).sum())?;
                ports.extend(more);
            }
        }
        let created_by = format!("EXPOSE {}", history::list(&ports));
        self.config.exposed_ports.extend(ports);
        Ok(Outcome::metadata(created_by))
    }

    /// `[[ip:]host:]port[-port][/protocol]`; what concerns the host is checked and dropped.
    fn ports(&mut self, spec: &str, span: Span) -> Result<Vec<String>, Error> {
        let wrong =
            |this: &Self, message: String| this.error(span, format!("EXPOSE {spec}: {message}"));
        let (host, container) = spec
            .rsplit_once(':')
            .map_or((None, spec), |(host, port)| (Some(host), port));
        let (port, protocol) = container.split_once('/').unwrap_or((container, ""));
        let lower = protocol.to_lowercase();
        if lower != protocol {
            let message = format!("the protocol {protocol} should be lower case");
            self.warnings
                .add(Rule::ExposeProtoCasing, self.place(span), message);
        }
        let protocol = match lower.as_str() {
            "" => "tcp",
            "tcp" | "udp" | "sctp" => lower.as_str(),
            _ => {
                return Err(wrong(
                    self,
                    format!("the protocol is tcp, udp or sctp, not {protocol:?}"),
                ));
            }
        };
        let (first, last) = range(port)
            .ok_or_else(|| wrong(self, format!("{port:?} is no port; write 80 or 8000-8010")))?;
        if let Some(host) = host {
            let message =
                format!("EXPOSE {spec}: addresses and ports of the host have no effect here");
            self.warnings
                .add(Rule::ExposeInvalidFormat, self.place(span), message);
            let (address, host) = host.rsplit_once(':').unwrap_or(("", host));
            let bare = address
                .strip_prefix('[')
                .and_then(|address| address.strip_suffix(']'))
                .unwrap_or(address);
            if !bare.is_empty() && bare.parse::<IpAddr>().is_err() {
                return Err(wrong(self, format!("{address:?} is no address")));
            }
            if !host.is_empty() {
                let (from, to) =
                    range(host).ok_or_else(|| wrong(self, format!("{host:?} is no port")))?;
                if to - from != last - first && first != last {
                    return Err(wrong(
                        self,
                        "the two ranges are of different length".to_owned(),
                    ));
                }
            }
        }
        Ok((first..=last)
            .map(|port| format!("{port}/{protocol}"))
            .collect())
    }
}

fn range(text: &str) -> Option<(u16, u16)> {
    let digits = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse().ok())
            .flatten()
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((digits(first)?, digits(last)?)).filter(|(first, last)| first <= last)
}
