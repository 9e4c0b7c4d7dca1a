//! Test of the type checker against kube-apiserver 1.37: rules for one schema that the server accepts or rejects, with
//! its messages.

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::validator::problems;
    use crate::object::schema::structural::Structural;

    const ACCEPTED: [&str; 45] = [
        r"self.n > 1.5",
        r"self.d > 1",
        r"self.a in self.l",
        r"self.o.x > 1 && self.b",
        r"(self.b ? 1 : 2) == 1",
        r#"self.t > timestamp("2020-01-01T00:00:00Z")"#,
        r#"self.du < duration("1h")"#,
        r"self.ios == 1",
        r#"self.ios == "x""#,
        r"type(self.ios) == int",
        r"has(self.pu)",
        r"has(self.a)",
        r#"self.a__dash__b == "x""#,
        r#"self.__in__ == "x""#,
        r#"self.x__underscores__y == "x""#,
        r"self.by.size() > 1",
        r"self.m.x == 1",
        r"self.l.map(x, x.size()).sum() > 1",
        r"self.l.isSorted()",
        r"isIP(self.a) && ip(self.a).family() == 4",
        r#"self.a.find("x") == """#,
        r"self.l.all(i, x, i > 1)",
        r"oldSelf.a == self.a",
        r#"self.?a.orValue("x") == "x""#,
        r"self == oldSelf",
        r#"self.a.matches("[a-z]+")"#,
        r"optional.of(self.a).hasValue()",
        r"int(self.a) > 1",
        r#"string(self.n) == "1""#,
        r#"{"a":1} == self.m"#,
        r#"cidr("10.0.0.0/8").containsIP(self.a)"#,
        r"self.l.sort() == self.l",
        r#"self.a.split(",").size() > 1"#,
        r#"sets.contains(self.l,["a"])"#,
        r#"self.l.indexOf("a") > 1"#,
        r#"self.a.lowerAscii() == "a""#,
        r"self.l.slice(0,1) == self.l",
        r"lists.range(3) == [0,1,2]",
        r"self.n / 0 > 1",
        r#"self.a.charAt(0) == "x""#,
        r"self.m.transformMap(k,v,v+1) == self.m",
        r#"self.l.join(",") == """#,
        r"true",
        r"self.n < 5.0",
        r#"self.l + ["x"] == self.l"#,
    ];

    const REFUSED: [(&str, &str); 42] = [
        (
            r"self.foo == 1",
            "compilation failed: ERROR: <input>:1:5: undefined field 'foo'\n | self.foo == 1\n | ....^",
        ),
        (
            r"self.a == 1",
            "compilation failed: ERROR: <input>:1:8: found no matching overload for '_==_' applied to '(string, int)'\n | self.a == 1\n | .......^",
        ),
        (r"self.n", "cel expression must evaluate to a bool"),
        (r"self.a", "cel expression must evaluate to a bool"),
        (
            r"foo(1)",
            "compilation failed: ERROR: <input>:1:4: undeclared reference to 'foo' (in container '')\n | foo(1)\n | ...^",
        ),
        (
            r"self.a.foo()",
            "compilation failed: ERROR: <input>:1:11: undeclared reference to 'foo' (in container '')\n | self.a.foo()\n | ..........^",
        ),
        (
            r#"self.a.size() > "x""#,
            "compilation failed: ERROR: <input>:1:15: found no matching overload for '_>_' applied to '(int, string)'\n | self.a.size() > \"x\"\n | ..............^",
        ),
        (
            r"self.n + 1.0 > 2",
            "compilation failed: ERROR: <input>:1:8: found no matching overload for '_+_' applied to '(int, double)'\n | self.n + 1.0 > 2\n | .......^",
        ),
        (
            r"self.a.startsWith(1)",
            "compilation failed: ERROR: <input>:1:18: found no matching overload for 'startsWith' applied to 'string.(int)'\n | self.a.startsWith(1)\n | .................^",
        ),
        (
            r"unknown > 1",
            "compilation failed: ERROR: <input>:1:1: undeclared reference to 'unknown' (in container '')\n | unknown > 1\n | ^",
        ),
        (
            r"self.l.all(x, x > 1)",
            "compilation failed: ERROR: <input>:1:17: found no matching overload for '_>_' applied to '(string, int)'\n | self.l.all(x, x > 1)\n | ................^",
        ),
        (
            r"self.l.exists(x, y > 1)",
            "compilation failed: ERROR: <input>:1:18: undeclared reference to 'y' (in container '')\n | self.l.exists(x, y > 1)\n | .................^",
        ),
        (
            r"self.m.all(k, k == 1)",
            "compilation failed: ERROR: <input>:1:17: found no matching overload for '_==_' applied to '(string, int)'\n | self.m.all(k, k == 1)\n | ................^",
        ),
        (
            r"1 in self.l",
            "compilation failed: ERROR: <input>:1:3: found no matching overload for '@in' applied to '(int, list(string))'\n | 1 in self.l\n | ..^",
        ),
        (
            r"self.o.x && self.b",
            "compilation failed: ERROR: <input>:1:7: expected type 'bool' but found 'int'\n | self.o.x && self.b\n | ......^",
        ),
        (
            r"!self.a",
            "compilation failed: ERROR: <input>:1:1: found no matching overload for '!_' applied to '(string)'\n | !self.a\n | ^",
        ),
        (
            r#"self.b ? 1 : "x""#,
            "compilation failed: ERROR: <input>:1:8: found no matching overload for '_?_:_' applied to '(bool, int, string)'\n | self.b ? 1 : \"x\"\n | .......^",
        ),
        (
            r"self.t > 1",
            "compilation failed: ERROR: <input>:1:8: found no matching overload for '_>_' applied to '(timestamp, int)'\n | self.t > 1\n | .......^",
        ),
        (
            r"self.pu.foo == 1",
            "compilation failed: ERROR: <input>:1:8: undefined field 'foo'\n | self.pu.foo == 1\n | .......^",
        ),
        (
            r"has(self.a.b)",
            "compilation failed: ERROR: <input>:1:4: type 'string' does not support field selection\n | has(self.a.b)\n | ...^",
        ),
        (
            r"has(self)",
            "compilation failed: ERROR: <input>:1:5: invalid argument to has() macro\n | has(self)\n | ....^",
        ),
        (
            r#"self.a-b == "x""#,
            "compilation failed: ERROR: <input>:1:7: found no matching overload for '_-_' applied to '(string, !error!)'\n | self.a-b == \"x\"\n | ......^\nERROR: <input>:1:8: undeclared reference to 'b' (in container '')\n | self.a-b == \"x\"\n | .......^",
        ),
        (
            r"self.l[0] == 1",
            "compilation failed: ERROR: <input>:1:11: found no matching overload for '_==_' applied to '(string, int)'\n | self.l[0] == 1\n | ..........^",
        ),
        (
            r#"self.l["x"] == "a""#,
            "compilation failed: ERROR: <input>:1:7: found no matching overload for '_[_]' applied to '(list(string), string)'\n | self.l[\"x\"] == \"a\"\n | ......^",
        ),
        (
            r#"self.m["x"] == "a""#,
            "compilation failed: ERROR: <input>:1:13: found no matching overload for '_==_' applied to '(int, string)'\n | self.m[\"x\"] == \"a\"\n | ............^",
        ),
        (
            r"self.l.sum() > 1",
            "compilation failed: ERROR: <input>:1:11: found no matching overload for 'sum' applied to 'list(string).()'\n | self.l.sum() > 1\n | ..........^",
        ),
        (
            r"self.n == null",
            "compilation failed: ERROR: <input>:1:8: found no matching overload for '_==_' applied to '(int, null)'\n | self.n == null\n | .......^",
        ),
        (
            r#"[1,"a"] == [1]"#,
            "compilation failed: ERROR: <input>:1:4: expected type 'int' but found 'string'\n | [1,\"a\"] == [1]\n | ...^",
        ),
        (
            r"math.greatest(1,2) > 1",
            "compilation failed: ERROR: <input>:1:1: undeclared reference to 'math' (in container '')\n | math.greatest(1,2) > 1\n | ^\nERROR: <input>:1:14: undeclared reference to 'greatest' (in container '')\n | math.greatest(1,2) > 1\n | .............^",
        ),
        (
            r#"base64.decode("x") == b"x""#,
            "compilation failed: ERROR: <input>:1:1: undeclared reference to 'base64' (in container '')\n | base64.decode(\"x\") == b\"x\"\n | ^\nERROR: <input>:1:14: undeclared reference to 'decode' (in container '')\n | base64.decode(\"x\") == b\"x\"\n | .............^",
        ),
        (
            r#"self.apiVersion == "x""#,
            "compilation failed: ERROR: <input>:1:5: undefined field 'apiVersion'\n | self.apiVersion == \"x\"\n | ....^",
        ),
        (
            r#"self.metadata.name == "x""#,
            "compilation failed: ERROR: <input>:1:5: undefined field 'metadata'\n | self.metadata.name == \"x\"\n | ....^",
        ),
        (
            r#""a" + 1 == "b""#,
            "compilation failed: ERROR: <input>:1:5: found no matching overload for '_+_' applied to '(string, int)'\n | \"a\" + 1 == \"b\"\n | ....^",
        ),
        (
            r#"self.a.contains("x") || self.zzz"#,
            "compilation failed: ERROR: <input>:1:29: undefined field 'zzz'\n | self.a.contains(\"x\") || self.zzz\n | ............................^",
        ),
        (
            r"self.foo.bar == self.baz",
            "compilation failed: ERROR: <input>:1:5: undefined field 'foo'\n | self.foo.bar == self.baz\n | ....^\nERROR: <input>:1:21: undefined field 'baz'\n | self.foo.bar == self.baz\n | ....................^",
        ),
        (
            r"a.b.c",
            "compilation failed: ERROR: <input>:1:1: undeclared reference to 'a' (in container '')\n | a.b.c\n | ^",
        ),
        (
            r#"self.a.reverse() == "x""#,
            "compilation failed: ERROR: <input>:1:15: found no matching overload for 'reverse' applied to 'string.()'\n | self.a.reverse() == \"x\"\n | ..............^",
        ),
        (
            r"self.n % 2 == 0u",
            "compilation failed: ERROR: <input>:1:12: found no matching overload for '_==_' applied to '(int, uint)'\n | self.n % 2 == 0u\n | ...........^",
        ),
        (
            r"self.l.foo",
            "compilation failed: ERROR: <input>:1:7: type 'list(string)' does not support field selection\n | self.l.foo\n | ......^",
        ),
        (
            r"uint(1) == self.n",
            "compilation failed: ERROR: <input>:1:9: found no matching overload for '_==_' applied to '(uint, int)'\n | uint(1) == self.n\n | ........^",
        ),
        (
            r"self.l == self.m",
            "compilation failed: ERROR: <input>:1:8: found no matching overload for '_==_' applied to '(list(string), map(string, int))'\n | self.l == self.m\n | .......^",
        ),
        (
            r"self.l + [1] == self.l",
            "compilation failed: ERROR: <input>:1:8: found no matching overload for '_+_' applied to '(list(string), list(int))'\n | self.l + [1] == self.l\n | .......^",
        ),
    ];

    fn problem(rule: &str) -> Option<String> {
        let schema = json!({"type": "object", "x-kubernetes-validations": [{"rule": rule}], "properties": {
            "a": {"type": "string"}, "n": {"type": "integer"}, "d": {"type": "number"}, "b": {"type": "boolean"},
            "l": {"type": "array", "items": {"type": "string"}},
            "m": {"type": "object", "additionalProperties": {"type": "integer"}},
            "o": {"type": "object", "properties": {"x": {"type": "integer"}}},
            "t": {"type": "string", "format": "date-time"}, "du": {"type": "string", "format": "duration"},
            "ios": {"x-kubernetes-int-or-string": true},
            "pu": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "by": {"type": "string", "format": "byte"}, "a-b": {"type": "string"}, "self": {"type": "string"},
            "in": {"type": "string"}, "x__y": {"type": "string"}}});
        problems(&Structural::parse(&schema), false).remove(0).rule
    }

    #[test]
    fn accepted_rules_compile() {
        let refused: Vec<_> = ACCEPTED.iter().filter_map(|rule| Some((rule, problem(rule)?))).collect();
        assert_eq!(refused, []);
    }

    #[test]
    fn rejected_rules_have_the_message_of_kube_apiserver() {
        let mut different = Vec::new();
        for (rule, expected) in REFUSED {
            if problem(rule).as_deref() != Some(expected) {
                different.push((rule, expected, problem(rule)));
            }
        }
        assert_eq!(different, []);
    }

    #[test]
    fn unmodelled_function_is_named() {
        let found = problem("url(self.a).getHost() == 'x'").unwrap();
        assert!(found.contains("seatrial-fakeclient does not model the function 'url'"), "{found}");
    }
}
