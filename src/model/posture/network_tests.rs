//! The judgement against a reference that answers one question at a time: may this pod speak with that address there?

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use proptest::prelude::*;

use super::*;
use crate::observation::{Operator, PortRange, Requirement};

/// The reference. A pod's labels, an address, a port: one rule after the other, as the API's documentation puts it.
mod reference {
    use super::*;

    pub(super) type Labels<'a> = &'a [(Arc<str>, Arc<str>)];

    pub(super) fn selects(selector: &Selector, labels: Labels<'_>) -> bool {
        selector.requirements.iter().all(|one| {
            let value = labels.iter().find(|(key, _)| *key == one.key).map(|(_, value)| value);
            match one.operator {
                Operator::In => value.is_some_and(|value| one.values.contains(value)),
                Operator::NotIn => value.is_none_or(|value| !one.values.contains(value)),
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
                Operator::Unreadable => panic!("the reference reads everything"),
            }
        })
    }

    pub(super) fn is_isolated(policies: &[NetpolReport], labels: Labels<'_>, direction: Direction) -> bool {
        policies.iter().any(|policy| rules(policy, direction).is_some() && selects(&policy.selects, labels))
    }

    pub(super) fn allows(
        policies: &[NetpolReport],
        labels: Labels<'_>,
        direction: Direction,
        address: IpAddr,
        (protocol, port): (&str, u16),
    ) -> bool {
        if !is_isolated(policies, labels, direction) {
            return true;
        }
        let selecting = policies.iter().filter(|policy| selects(&policy.selects, labels));
        selecting.filter_map(|policy| rules(policy, direction)).flatten().any(|rule| {
            let to = rule.peers.is_empty()
                || rule.peers.iter().any(|peer| match peer {
                    Peer::Block { cidr, except } => {
                        cidr.contains(&address) && !except.iter().any(|net| net.contains(&address))
                    }
                    Peer::Pods { .. } | Peer::Unreadable => false,
                });
            let at = rule.ports.is_empty()
                || rule.ports.iter().any(|range| {
                    *range.protocol == *protocol
                        && match range.ports {
                            Ports::All => true,
                            Ports::Range(first, last) => first <= port && port <= last,
                            Ports::Named(_) | Ports::Unreadable => false,
                        }
                });
            to && at
        })
    }
}

fn text(text: &str) -> Arc<str> {
    text.into()
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn block(cidr: &str, except: &[&str]) -> Peer {
    Peer::Block { cidr: net(cidr), except: except.iter().map(|one| net(one)).collect() }
}

fn tcp(ports: Ports) -> PortRange {
    PortRange { protocol: text("TCP"), ports }
}

fn policy(name: &str, ingress: Option<Vec<Opening>>, egress: Option<Vec<Opening>>) -> NetpolReport {
    NetpolReport { name: text(name), selects: Selector::default(), ingress, egress }
}

fn requiring(key: &str, operator: Operator, values: &[&str]) -> Selector {
    let values = values.iter().map(|value| text(value)).collect();
    Selector { requirements: vec![Requirement { key: text(key), operator, values }] }
}

fn opening(peers: Vec<Peer>, ports: Vec<PortRange>) -> Opening {
    Opening { peers, ports }
}

fn judged(policies: &[NetpolReport]) -> Network {
    judge(&policies.iter().collect::<Vec<_>>(), None)
}

#[test]
fn without_a_policy_everything_is_open() {
    let network = judged(&[]);
    assert!(matches!(network.ingress.left_out, LeftOut::Pod(_)) && matches!(network.egress.left_out, LeftOut::Pod(_)));
    assert!(network.reach.unbounded);
}

#[test]
fn a_policy_of_both_directions_without_rules_denies() {
    let network = judged(&[policy("deny", Some(vec![]), Some(vec![]))]);
    assert_eq!((&network.ingress.left_out, &network.egress.left_out), (&LeftOut::Nobody, &LeftOut::Nobody));
    assert_eq!(network.reach, Reach::default());
}

#[test]
fn a_policy_that_is_only_called_default_deny_denies_nothing_in_the_other_direction() {
    let network = judged(&[policy("default-deny", Some(vec![]), None)]);
    assert_eq!(network.ingress.left_out, LeftOut::Nobody);
    assert!(matches!(network.egress.left_out, LeftOut::Pod(_)) && network.reach.unbounded);
}

#[test]
fn selectors_cover_every_pod_together_or_leave_one_out() {
    let of = |selects: Selector| NetpolReport { selects, ..policy("p", Some(vec![]), None) };
    let both = [of(requiring("app", Operator::Exists, &[])), of(requiring("app", Operator::DoesNotExist, &[]))];
    assert_eq!(judged(&both).ingress.left_out, LeftOut::Nobody);
    let halves = [of(requiring("app", Operator::In, &["a", "b"])), of(requiring("app", Operator::NotIn, &["b"]))];
    assert_eq!(judged(&halves).ingress.left_out, LeftOut::Nobody);
    let hole = [of(requiring("app", Operator::In, &["a"])), of(requiring("app", Operator::NotIn, &["a", "b"]))];
    let LeftOut::Pod(labels) = judged(&hole).ingress.left_out else { panic!("b is left out") };
    assert_eq!(crate::model::posture::selector::in_words(&labels), "a pod with the label app=b");
    let strange = [of(requiring("app", Operator::Unreadable, &[]))];
    assert_eq!(judged(&strange).ingress.left_out, LeftOut::Unknown);
}

#[test]
fn halves_of_the_internet_are_the_internet() {
    let halves = vec![
        opening(vec![block("0.0.0.0/1", &[])], vec![tcp(Ports::Range(1, 500))]),
        opening(vec![block("128.0.0.0/1", &[])], vec![]),
        opening(vec![block("0.0.0.0/1", &[])], vec![tcp(Ports::Range(501, u16::MAX))]),
    ];
    let network = judged(&[policy("deny", Some(vec![]), Some(vec![])), policy("parts", None, Some(halves))]);
    assert_eq!(network.egress.voided_by, [text("parts")]);
}

#[test]
fn metadata_is_closed_by_an_exception_of_its_own_family_only() {
    let ports = || vec![tcp(Ports::All)];
    let rules = vec![
        opening(vec![block("0.0.0.0/0", &["169.254.169.254/32"])], ports()),
        opening(vec![block("::/0", &["fd00:ec2::253/128"])], ports()),
    ];
    let network = judged(&[policy("web", Some(vec![]), Some(rules))]);
    assert_eq!(network.reach.metadata, [("fd00:ec2::254", vec![text("web")])]);
    let named = vec![opening(vec![block("0.0.0.0/0", &[])], vec![tcp(Ports::Named(text("http")))])];
    assert_eq!(judged(&[policy("web", Some(vec![]), Some(named))]).reach.metadata, []);
}

#[test]
fn a_cloud_s_own_networks_are_not_the_internet() {
    let blocks = ["52.92.0.0/14", "3.5.0.0/16", "10.0.0.0/8", "2600:1f00::/24"].map(|cidr| block(cidr, &[]));
    let rules = vec![opening(blocks.to_vec(), vec![tcp(Ports::Range(22, 22))])];
    assert_eq!(judged(&[policy("git", None, Some(rules))]).reach.internet, []);
}

#[test]
fn only_what_selects_job_pods_opens_something_to_them() {
    let shape = |labels: &[(&str, Option<&str>)]| {
        let labels = labels.iter().map(|(key, value)| (text(key), value.map(text))).collect();
        vec![Arc::new(PodShape { labels, ..PodShape::default() })]
    };
    let world = || Some(vec![opening(vec![], vec![])]);
    let of_managers =
        NetpolReport { selects: requiring("app", Operator::In, &["gitlab-runner"]), ..policy("m", None, world()) };
    let of_a_project = NetpolReport { selects: requiring("pod", Operator::In, &["x"]), ..policy("p", None, world()) };
    let policies = [policy("deny", Some(vec![]), Some(vec![])), of_managers, of_a_project];
    let all: Vec<&NetpolReport> = policies.iter().collect();
    let jobs = shape(&[("pod", None)]);
    let opened_by = |policies: &[&NetpolReport]| {
        let internet = judge(policies, Some(&jobs)).reach.internet;
        internet.into_iter().flat_map(|run| run.policies).collect::<BTreeSet<_>>()
    };
    assert!(opened_by(&all[..2]).is_empty(), "the manager's policy does not select them");
    assert_eq!(opened_by(&all), BTreeSet::from([text("p")]), "some job's label may be x");
}

fn selector_of_few() -> impl Strategy<Value = Selector> {
    let operators = [Operator::In, Operator::NotIn, Operator::Exists, Operator::DoesNotExist];
    let requirement = (0..3_usize, 0..4_usize, proptest::sample::subsequence(vec!["1", "2"], 1..=2)).prop_map(
        move |(key, operator, values)| {
            let values = if operator < 2 { values.into_iter().map(text).collect() } else { vec![] };
            Requirement { key: text(["a", "b", "c"][key]), operator: operators[operator], values }
        },
    );
    proptest::collection::vec(requirement, 0..3).prop_map(|requirements| Selector { requirements })
}

fn blocks() -> impl Strategy<Value = Peer> {
    const WIDE: [&str; 8] =
        ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "169.254.0.0/16", "10.0.0.0/8", "::/0", "fd00::/8", "8000::/1"];
    const NARROW: [&str; 5] =
        ["169.254.169.254/32", "169.254.169.0/24", "10.0.0.0/8", "fd00:ec2::254/128", "fd00:ec2::/32"];
    let except = proptest::sample::subsequence(NARROW.to_vec(), 0..3);
    (0..WIDE.len(), except).prop_map(|(wide, except)| block(WIDE[wide], &except))
}

fn opening_of_few() -> impl Strategy<Value = Opening> {
    let edge = || proptest::sample::select(vec![1_u16, 53, 79, 80, 81, 443, 8080, u16::MAX]);
    let ports = prop_oneof![
        1 => Just(Ports::All),
        4 => (edge(), edge()).prop_map(|(a, b)| Ports::Range(a.min(b), a.max(b))),
        1 => Just(Ports::Named("http".into())),
    ];
    let range = (ports, proptest::sample::select(vec!["TCP", "TCP", "UDP"]))
        .prop_map(|(ports, protocol)| PortRange { protocol: text(protocol), ports });
    let pods = Just(Peer::Pods { namespaces: None, pods: None });
    let peer = prop_oneof![5 => blocks(), 1 => pods];
    (proptest::collection::vec(peer, 0..3), proptest::collection::vec(range, 0..3))
        .prop_map(|(peers, ports)| Opening { peers, ports })
}

fn policies() -> impl Strategy<Value = Vec<NetpolReport>> {
    let rules = || proptest::option::of(proptest::collection::vec(opening_of_few(), 0..3));
    let policy =
        (selector_of_few(), rules(), rules()).prop_map(|(selects, ingress, egress)| (selects, ingress, egress));
    proptest::collection::vec(policy, 0..5).prop_map(|all| {
        let named = all.into_iter().enumerate();
        named
            .map(|(number, (selects, ingress, egress))| NetpolReport {
                name: text(&format!("p{number}")),
                selects,
                ingress,
                egress,
            })
            .collect()
    })
}

/// Every pod that can be told apart by these selectors: each label absent, named or something else.
fn every_pod() -> Vec<Vec<(Arc<str>, Arc<str>)>> {
    let mut pods: Vec<Vec<(Arc<str>, Arc<str>)>> = vec![vec![]];
    for key in ["a", "b", "c"] {
        let with = |pod: &Vec<_>, value: &str| [pod.clone(), vec![(text(key), text(value))]].concat();
        pods = pods.iter().flat_map(|pod| [pod.clone(), with(pod, "1"), with(pod, "2"), with(pod, "other")]).collect();
    }
    pods
}

/// On both sides of every edge that the strategies know.
const PORTS: [u16; 14] = [1, 2, 52, 53, 54, 79, 80, 81, 82, 442, 443, 444, 8080, u16::MAX];

fn addresses_near_edges() -> Vec<IpAddr> {
    let v4 = [
        "0.0.0.0",
        "9.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "11.0.0.0",
        "127.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.254.0.0",
        "169.254.169.0",
        "169.254.169.253",
        "169.254.169.254",
        "169.254.169.255",
        "169.254.255.255",
        "255.255.255.255",
    ];
    let v6 = ["::", "7fff::", "8000::", "fd00::", "fd00:ec2::", "fd00:ec2::254", "fd00:ec2::255", "fdff::", "ffff::1"];
    let v4 = v4.iter().map(|one| IpAddr::V4(one.parse::<Ipv4Addr>().unwrap()));
    v4.chain(v6.iter().map(|one| IpAddr::V6(one.parse::<Ipv6Addr>().unwrap()))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_pod_is_left_out_just_when_the_reference_finds_one(policies in policies()) {
        let network = judged(&policies);
        for (direction, denial) in [(Direction::Ingress, &network.ingress), (Direction::Egress, &network.egress)] {
            let free: Vec<_> =
                every_pod().into_iter().filter(|pod| !reference::is_isolated(&policies, pod, direction)).collect();
            match &denial.left_out {
                LeftOut::Nobody => prop_assert!(free.is_empty(), "{free:?}"),
                LeftOut::Pod(labels) => {
                    let pod: Vec<_> =
                        labels.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?))).collect();
                    prop_assert!(!reference::is_isolated(&policies, &pod, direction), "{pod:?}");
                }
                LeftOut::Unknown => prop_assert!(false, "few selectors can be judged"),
            }
        }
    }

    #[test]
    fn job_pods_reach_what_the_reference_lets_them_reach(policies in policies(), pod in 0..64_usize) {
        let pod = every_pod().swap_remove(pod);
        let labels = pod.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        let shape = [Arc::new(PodShape { labels, ..PodShape::default() })];
        let reach = judge(&policies.iter().collect::<Vec<_>>(), Some(&shape)).reach;
        let isolated = reference::is_isolated(&policies, &pod, Direction::Egress);
        prop_assert_eq!(reach.unbounded, !isolated);
        if !isolated {
            return Ok(());
        }
        let allows = |address: IpAddr, at| reference::allows(&policies, &pod, Direction::Egress, address, at);
        for address in METADATA {
            let open = reach.metadata.iter().any(|(found, _)| *found == address);
            prop_assert_eq!(open, allows(address.parse().unwrap(), ("TCP", 80)), "{}", address);
        }
        // Where the internet is said to be closed on a port, not all of it is open there; where it is said to be open,
        // some of it is.
        let internet = ["1.1.1.1", "203.0.113.9", "2600::1"].map(|one| one.parse::<IpAddr>().unwrap());
        for protocol in ["TCP", "UDP"] {
            for port in PORTS {
                let said = reach.internet.iter().any(|run| run.protocol == protocol && (run.first..=run.last).contains(&port));
                let open = internet.map(|address| allows(address, (protocol, port)));
                prop_assert_eq!(said, open.contains(&true), "{} {} {:?}", protocol, port, open);
            }
        }
    }

    #[test]
    fn everything_is_open_again_just_when_the_reference_refuses_nothing(rules in proptest::collection::vec(opening_of_few(), 0..4)) {
        let policies = [policy("p", None, Some(rules))];
        let voided = !judged(&policies).egress.voided_by.is_empty();
        let all = |v4: bool| {
            addresses_near_edges().into_iter().filter(|address| address.is_ipv4() == v4).all(|address| {
                PORTS.iter().all(|port| reference::allows(&policies, &[], Direction::Egress, address, ("TCP", *port)))
            })
        };
        prop_assert_eq!(voided, all(true) || all(false));
    }
}
