//! Addresses to listen on.

use std::net::SocketAddr;

/// An address as it is given on the command line.
pub(super) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.trim().parse().map_err(|_| {
        "an address is written like 127.0.0.1:3000 or [::1]:3000, and every address of the machine \
         like 0.0.0.0:3000 or [::]:3000; names are not looked up"
    })
}

/// Says which of the addresses can't be listened on beside another of them. The system would say of
/// the second that it is in use, and that sends people to look for another program.
pub(super) fn check(listen: &[SocketAddr], metrics: Option<SocketAddr>) -> Result<(), String> {
    for (index, one) in listen.iter().enumerate() {
        for other in &listen[index + 1..] {
            if one == other && one.port() != 0 {
                return Err(format!("--listen {one} is given twice"));
            }
            if overlap(*one, *other) {
                let (all, one) =
                    if one.ip().is_unspecified() { (one, other) } else { (other, one) };
                return Err(format!("--listen {all} has {one} in it: give one of them"));
            }
        }
        if let Some(metrics) = metrics.filter(|metrics| overlap(*one, *metrics)) {
            return Err(format!(
                "--metrics-listen {metrics} is at --listen {one}: it needs a port of its own"
            ));
        }
    }
    Ok(())
}

/// Whether only one of two sockets can have its address. IPv4 and IPv6 are apart, as listeners of
/// IPv6 take no connections of IPv4.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let is_same = one.ip() == other.ip();
    let has_all = one.is_ipv4() == other.is_ipv4()
        && (one.ip().is_unspecified() || other.ip().is_unspecified());
    one.port() == other.port() && one.port() != 0 && (is_same || has_all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_exclude_each_other_are_refused_by_their_names() {
        let check = |listen: &[&str], metrics: Option<&str>| {
            let listen: Vec<SocketAddr> = listen.iter().map(|text| text.parse().unwrap()).collect();
            check(&listen, metrics.map(|text| text.parse().unwrap()))
        };
        for good in [
            vec!["127.0.0.1:0", "127.0.0.1:0"],
            vec!["127.0.0.1:80", "127.0.0.2:80"],
            vec!["0.0.0.0:80", "[::]:80"],
            vec!["0.0.0.0:80", "127.0.0.1:81"],
            vec!["127.0.0.1:80", "[::1]:80"],
        ] {
            assert_eq!(check(&good, None), Ok(()), "{good:?}");
            assert_eq!(check(&good[..1], Some(good[1])), Ok(()), "{good:?}");
        }
        for (bad, words) in [
            (["127.0.0.1:80", "127.0.0.1:80"], "127.0.0.1:80 is given twice"),
            (["0.0.0.0:80", "127.0.0.1:80"], "0.0.0.0:80 has 127.0.0.1:80 in it"),
            (["[::1]:80", "[::]:80"], "[::]:80 has [::1]:80 in it"),
        ] {
            let problem = check(&bad, None).unwrap_err();
            assert!(problem.contains(words), "{problem}");
            let problem = check(&bad[..1], Some(bad[1])).unwrap_err();
            assert!(problem.contains("a port of its own"), "{problem}");
        }
    }

    #[test]
    fn address_is_one_of_the_machine_with_a_port() {
        for good in ["127.0.0.1:3000", "[::1]:3000", "[::]:0", " 0.0.0.0:80"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "3000",
            ":3000",
            "*:3000",
            "localhost:3000",
            "0.0.0.0",
            "127.0.0.1:",
            "::1",
            "::1:3000",
            "[::1]",
            "127.0.0.1:65536",
            "http://127.0.0.1:3000",
            "127.0.0.1:3000/",
            "127.1:3000",
            "example.com:80",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
