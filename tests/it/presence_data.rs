//! What somebody says beside the name: status and data, merged over tabs and devices.

use headcount::config::{Config, Limits};
use serde_json::{Value, json};

use crate::world::{Peer, World};

fn set(world: &mut World, peer: Peer, options: &Value) {
    world.say(peer, &json!(["set", options]).to_string());
    world.pass_ms(100);
}

/// What the last change said of status and data.
fn last(world: &mut World, peer: Peer) -> Value {
    let heard = world.heard(peer);
    let body = heard.last().unwrap_or_else(|| panic!("there was no change"))[1].clone();
    assert_eq!((&body["joined"], &body["left"]), (&json!([]), &json!([])), "{body}");
    json!([body["status"], body["data"]])
}

#[test]
fn data_and_status_come_with_the_login_and_change_alone() {
    let mut world = World::new();
    let (ada, other) = (world.watch(), world.watch());
    world.say(ada, r#"["login","Ada",{"data":{"b":2,"a":[1.0]},"status":"idle"}]"#);
    let expected = json!(["change", {
        "seq": 1, "joined": ["Ada"], "left": [],
        "status": { "Ada": "idle" }, "data": { "Ada": { "a": [1], "b": 2 } },
    }]);
    assert_eq!(world.heard(other), [expected]);
    world.pass_ms(100);
    set(&mut world, ada, &json!({ "data": { "a": null, "c": "x" } }));
    assert_eq!(last(&mut world, other), json!([null, { "Ada": { "b": 2, "c": "x" } }]));
    set(&mut world, ada, &json!({ "status": "active", "data": { "b": null, "c": null } }));
    assert_eq!(last(&mut world, other), json!([{ "Ada": "active" }, { "Ada": null }]));
    set(&mut world, ada, &json!({ "status": "active", "data": { "z": null } }));
    assert_eq!(world.heard(other), [Value::Null; 0], "nothing is another");
    let late = world.open("/ws");
    let roster = world.heard(late).remove(0);
    assert_eq!((roster[1].get("status"), roster[1].get("data")), (None, None));
}

#[test]
fn rename_keeps_data_and_logout_ends_them() {
    let mut world = World::new();
    let (ada, other) = (world.watch(), world.watch());
    world.say(ada, r#"["login","Ada",{"data":{"a":1},"status":"hidden"}]"#);
    world.pass_ms(100);
    world.say(ada, r#"["login","Countess",{"data":{"b":2}}]"#);
    world.pass_ms(100);
    let change = world.heard(other).pop().unwrap();
    assert_eq!((&change[1]["joined"], &change[1]["left"]), (&json!(["Countess"]), &json!(["Ada"])));
    assert_eq!(change[1]["data"], json!({ "Countess": { "a": 1, "b": 2 } }));
    assert_eq!(change[1]["status"], json!({ "Countess": "hidden" }));
    world.say(ada, r#"["logout"]"#);
    world.pass_ms(100);
    world.say(ada, r#"["login","Countess"]"#);
    world.pass_ms(100);
    let change = world.heard(other).pop().unwrap();
    assert_eq!((change[1].get("status"), change[1].get("data")), (None, None), "{change}");
}

/// Two devices of one person: one entry, the most active status, of each key the latest value.
#[test]
fn devices_of_a_person_are_merged() {
    let mut world = World::new();
    let (phone, desk, other) = (world.watch(), world.watch(), world.watch());
    world.say(phone, r#"["login","Ada",{"status":"hidden","data":{"a":"phone","p":1}}]"#);
    world.pass_ms(100);
    world.heard(other);
    world.say(desk, r#"["login","Ada",{"status":"idle","data":{"a":"desk"}}]"#);
    world.pass_ms(100);
    let merged = json!([{ "Ada": "idle" }, { "Ada": { "a": "desk", "p": 1 } }]);
    assert_eq!(last(&mut world, other), merged);
    set(&mut world, phone, &json!({ "status": "active", "data": { "a": "phone again" } }));
    let merged = json!([{ "Ada": "active" }, { "Ada": { "a": "phone again", "p": 1 } }]);
    assert_eq!(last(&mut world, other), merged);
    set(&mut world, phone, &json!({ "data": { "a": null } }));
    assert_eq!(last(&mut world, other)[1], json!({ "Ada": { "a": "desk", "p": 1 } }));
    world.reset(phone);
    world.pass_ms(100);
    assert_eq!(last(&mut world, other), json!([{ "Ada": "idle" }, { "Ada": { "a": "desk" } }]));
    world.say(desk, r#"["login","Eve"]"#);
    world.pass_ms(100);
    assert_eq!(world.names(), ["Eve"]);
}

#[test]
fn rename_in_one_tab_of_two_leaves_the_other_as_it_is() {
    let mut world = World::new();
    let (one, two, other) = (world.watch(), world.watch(), world.watch());
    for tab in [one, two] {
        world.login(tab, "Ada");
        world.pass_ms(100);
    }
    world.login(one, "Eve");
    world.pass_ms(100);
    let heard = world.heard(other);
    assert_eq!(heard.len(), 2);
    assert_eq!((&heard[1][1]["joined"], &heard[1][1]["left"]), (&json!(["Eve"]), &json!([])));
    assert_eq!(world.names(), ["Ada", "Eve"]);
}

#[test]
fn data_that_are_too_large_change_nothing() {
    let limits =
        Limits { data_keys_max: 2, data_bytes_max: 20, data_depth_max: 3, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let peer = world.watch();
    world.say(peer, r#"["set",{"data":{"a":1}}]"#);
    assert_eq!(world.heard(peer)[0][1]["code"], "name_missing");
    world.say(peer, r#"["login","Ada",{"data":{"a":"0123456789ab"}}]"#);
    world.pass_ms(100);
    assert_eq!(world.heard(peer).len(), 1);
    for (data, code) in [
        (r#"{"a":"0123456789abc"}"#, "data_too_large"),
        (r#"{"b":1,"c":1}"#, "data_too_large"),
        (r#"{"a":[[]]}"#, ""),
        (r#"{"a":[[[]]]}"#, "data_too_large"),
        (r#"{"a":1,"a":2}"#, "data_invalid"),
        (r#"{"__proto__":{}}"#, "data_invalid"),
        (r#"[]"#, "data_invalid"),
        (r#""a""#, "data_invalid"),
        (r#"{"a":"\ud800"}"#, "data_invalid"),
    ] {
        // Not even the status that comes with them.
        world.say(peer, &format!(r#"["set",{{"data":{data},"status":"idle"}}]"#));
        world.pass_ms(100);
        let heard = world.heard(peer);
        if code.is_empty() {
            assert_eq!(heard[0][0], "change", "{data}");
            world.say(peer, r#"["set",{"data":{"a":2},"status":"active"}]"#);
            world.pass_ms(100);
            world.heard(peer);
        } else {
            assert_eq!((heard.len(), &heard[0][1]["code"]), (1, &json!(code)), "{data}");
        }
    }
    world.say(peer, r#"["login","Eve",{"data":7}]"#);
    assert_eq!(world.names(), ["Ada"], "and no other name");
}
