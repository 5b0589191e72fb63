//! The addresses that the daemon serves at, and those that it sends people to.

use std::error::Error as _;
use std::io;

use url::{Host, Url};

use super::line::{Line, Probe};
use crate::config::Config;
use crate::listener::{BindError, Listener};

/// The keys under which the addresses are given.
const WEB: &str = "--web.listen-address";
const HOOKS: &str = "webhook.listen_address";

/// Takes each address for a moment, all at the same time: two of the same port show.
pub(super) async fn addresses(listen: &str, config: &Config) -> Vec<Line> {
    let web = Listener::bind(listen, WEB).await;
    let mut lines = vec![address(WEB, listen, &web, false)];
    if let Some(webhook) = &config.webhook {
        let hooks = Listener::bind(&webhook.listen_address, HOOKS).await;
        let ours = web.as_ref().is_ok_and(|web| same_port(web, &webhook.listen_address));
        lines.push(address(HOOKS, &webhook.listen_address, &hooks, ours));
    }
    lines
}

fn same_port(web: &Listener, other: &str) -> bool {
    other.rsplit_once(':').is_some_and(|(_, port)| port == web.local_addr().port().to_string())
}

fn address(key: &str, written: &str, bound: &Result<Listener, BindError>, ours: bool) -> Line {
    let probe = Probe::ListenAddress;
    let Err(error) = bound else { return Line::ok(probe, key, &format!("{written} is free")) };
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    match source.map(io::Error::kind) {
        Some(io::ErrorKind::AddrInUse) if ours => {
            Line::problem(probe, key, &format!("{written} is the port of {WEB}, too"), "give hooks a port of their own")
        }
        Some(io::ErrorKind::AddrInUse) => {
            let fix = "if a tierwatch runs here, all is well; else find who has the port (`ss -ltnp`) or take another";
            Line::warning(probe, key, &format!("{written} is taken"), fix)
        }
        _ => {
            let why = source.map_or_else(|| error.to_string(), io::Error::to_string);
            let fix = "take an address of this machine and a port above 1023, e.g. :10471";
            Line::problem(probe, key, &format!("{written} cannot be had: {why}"), fix)
        }
    }
}

/// Where alerts lead people: an address that only this machine knows helps nobody.
pub(super) fn links(config: &Config) -> Vec<Line> {
    let links = &config.links;
    let probe = Probe::Links;
    let all = [
        ("links.tierwatch", Some(&links.tierwatch)),
        ("links.runbooks", links.runbooks.as_ref()),
        ("links.grafana", links.grafana.as_ref()),
    ];
    let line = |(key, url): (&str, Option<&Url>)| {
        let url = url?;
        Some(match is_local(url) {
            true => {
                let fix = format!("set {key} to the address at which people reach it");
                Line::warning(probe, key, &format!("alerts lead to {url}, which only this machine knows"), &fix)
            }
            false => Line::ok(probe, key, &format!("alerts lead to {url}")),
        })
    };
    all.into_iter().filter_map(line).collect()
}

/// The address means whatever machine it is read on.
pub(super) fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
        None => false,
    }
}
