//! NetworkPolicies of one namespace: which pods they isolate, and what they open again.

use std::sync::Arc;

use ipnet::IpNet;
use serde::Deserialize;

use super::labels::{LabelSelector, selector};
use super::lenient::{List, Shape, Text, Whole};
use super::metadata::Metadata;
use super::rbac::Need;
use crate::observation::{Body, Change, NetpolReport, Opening, Peer, PortRange, Ports, SourceKind};
use crate::source::Texts;
use crate::source::watch::Watched;

/// Rules of one direction, peers and ports of a rule, exceptions of a block that are told. A longer list ends with
/// something that cannot be read, so that nobody takes it for the whole.
const MOST: usize = 256;

/// A NetworkPolicy as the API writes it, trimmed while it is parsed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct NetpolObject(Shape<Netpol>);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Netpol {
    metadata: Shape<Metadata>,
    spec: Shape<Spec>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    pod_selector: Shape<LabelSelector>,
    policy_types: List<Text>,
    ingress: List<Shape<Rule>>,
    egress: List<Shape<Rule>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Rule {
    from: List<Shape<PeerObject>>,
    to: List<Shape<PeerObject>>,
    ports: List<Shape<PortObject>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PeerObject {
    pod_selector: Option<Shape<LabelSelector>>,
    namespace_selector: Option<Shape<LabelSelector>>,
    ip_block: Option<Shape<IpBlock>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct IpBlock {
    cidr: Text,
    except: List<Text>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PortObject {
    protocol: Text,
    port: Text,
    end_port: Whole,
}

/// The watch of one namespace's policies.
#[derive(Debug)]
pub(super) struct Netpols {
    namespace: Arc<str>,
    texts: Texts,
}

impl Netpols {
    pub(super) fn new(namespace: Arc<str>) -> Self {
        Self { namespace, texts: Texts::default() }
    }
}

impl Watched for Netpols {
    type Object = NetpolObject;
    type Report = NetpolReport;

    fn path(&self) -> String {
        Need::of(SourceKind::KubeNetpols).path(Some(&self.namespace))
    }

    fn version(object: &NetpolObject) -> Option<&str> {
        object.0.metadata.resource_version.get()
    }

    fn key(object: &NetpolObject) -> Option<Arc<str>> {
        object.0.metadata.name.get().map(Arc::from)
    }

    fn translate(&mut self, object: &NetpolObject) -> Option<NetpolReport> {
        translate(object, &mut self.texts)
    }

    fn body(change: Change<Box<NetpolReport>>) -> Body {
        Body::Netpol(change)
    }
}

/// What the policy says, or nothing where it has no name. Without policyTypes it is about ingress, and about egress where
/// it has rules for that, as the API server itself completes it.
#[must_use]
pub fn translate(object: &NetpolObject, texts: &mut Texts) -> Option<NetpolReport> {
    let Netpol { metadata, spec } = &*object.0;
    let is_about = |direction: &str, otherwise: bool| match spec.policy_types.is_empty() {
        true => otherwise,
        false => spec.policy_types.iter().any(|named| named.is(direction)),
    };
    let mut rules = |rules: &[Shape<Rule>], about: bool| {
        about.then(|| {
            let mut told: Vec<Opening> = rules.iter().take(MOST).map(|rule| opening(rule, texts)).collect();
            if rules.len() > MOST {
                told.push(Opening { peers: vec![Peer::Unreadable], ports: Vec::new() });
            }
            told
        })
    };
    let ingress = rules(&spec.ingress, is_about("Ingress", true));
    let egress = rules(&spec.egress, is_about("Egress", !spec.egress.is_empty()));
    let selects = selector(&spec.pod_selector, texts);
    Some(NetpolReport { name: metadata.name.get()?.into(), selects, ingress, egress })
}

fn opening(rule: &Rule, texts: &mut Texts) -> Opening {
    // A rule has only the one of its direction.
    let peers = if rule.from.is_empty() { &rule.to } else { &rule.from };
    let mut told = Opening {
        peers: peers.iter().take(MOST).map(|one| peer(one, texts)).collect(),
        ports: rule.ports.iter().take(MOST).map(|one| ports(one, texts)).collect(),
    };
    if peers.len() > MOST {
        told.peers.push(Peer::Unreadable);
    }
    if rule.ports.len() > MOST {
        told.ports.push(PortRange { protocol: "TCP".into(), ports: Ports::Unreadable });
    }
    told
}

fn peer(peer: &PeerObject, texts: &mut Texts) -> Peer {
    let PeerObject { pod_selector, namespace_selector, ip_block } = peer;
    let mut of = |selector: &Option<Shape<LabelSelector>>| {
        selector.as_ref().map(|selector| super::labels::selector(selector, texts))
    };
    match ip_block {
        Some(block) => self::block(block).unwrap_or(Peer::Unreadable),
        None if pod_selector.is_none() && namespace_selector.is_none() => Peer::Unreadable,
        None => Peer::Pods { namespaces: of(namespace_selector), pods: of(pod_selector) },
    }
}

fn block(block: &IpBlock) -> Option<Peer> {
    let net = |text: &Text| text.get()?.parse::<IpNet>().ok().map(|net| net.trunc());
    let except = block.except.iter().map(net).collect::<Option<Vec<_>>>().filter(|nets| nets.len() <= MOST)?;
    Some(Peer::Block { cidr: net(&block.cidr)?, except })
}

fn ports(object: &PortObject, texts: &mut Texts) -> PortRange {
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let ports = match (object.port.get(), object.end_port.0) {
        (None, None) => Ports::All,
        (None, Some(_)) => Ports::Unreadable,
        (Some(port), None) if number(port).is_none() => match port.bytes().all(|byte| byte.is_ascii_digit()) {
            true => Ports::Unreadable,
            false => Ports::Named(texts.name(port)),
        },
        (Some(port), last) => match (number(port), last.map_or(number(port), |last| u16::try_from(last).ok())) {
            (Some(first), Some(last)) if first <= last => Ports::Range(first, last),
            _ => Ports::Unreadable,
        },
    };
    let protocol = object.protocol.get().unwrap_or("TCP");
    PortRange { protocol: texts.name(protocol), ports }
}
