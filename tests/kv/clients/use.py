# SPDX-License-Identifier: BSD-3-Clause
"""redis-py, unmodified, against three gcs-kv: use.py PORT PORT PORT."""
import sys
import redis

ports = [int(port) for port in sys.argv[1:]]
one, two, three = (redis.Redis(port=port, decode_responses=True) for port in ports)

assert one.set("py", 1) and two.incr("py", 4) == 5 and three.get("py") == "5"
assert one.hset("py:h", mapping={str(i): i for i in range(500)}) == 500
assert sorted(map(int, dict(two.hscan_iter("py:h", count=7)))) == list(range(500))
assert three.rpush("py:l", *"abc") == 3 and one.lrange("py:l", 0, -1) == list("abc")
assert two.sadd("py:s", *"abc") == 3 and set(three.sscan_iter("py:s")) == set("abc")
assert one.zadd("py:z", {"a": 1, "b": 2.5}) == 2
assert two.zrange("py:z", 0, -1, withscores=True) == [("a", 1.0), ("b", 2.5)]
assert sorted(three.scan_iter("py*")) == ["py", "py:h", "py:l", "py:s", "py:z"]
assert one.expire("py", 100) and 0 < two.ttl("py") <= 100 and one.persist("py")

# As they come, and all or nothing.
assert two.pipeline(transaction=False).set("py", 1).incr("py").get("py").execute() == [True, 2, "2"]
replies = three.pipeline().incr("py").keys("py:?").randomkey().execute()
assert replies[0] == 3 and sorted(replies[1]) == ["py:h", "py:l", "py:s", "py:z"]
assert one.transaction(lambda p: (p.multi(), p.incr("py")), "py") == [4]
pipe = one.pipeline()
pipe.watch("py")
two.set("py", "changed")
pipe.multi()
pipe.set("py", "lost")
try:
    pipe.execute()
    sys.exit("WATCH saw nothing")
except redis.WatchError:
    pass
assert three.get("py") == "changed"

# One that asks for much and reads it all is served.
two.setrange("py:big", 999999, "x")
raw = redis.Redis(port=ports[2])
many = raw.pipeline(transaction=False)
for _ in range(45):
    many.get("py:big")
assert [len(value) for value in many.execute()] == [1000000] * 45

try:
    one.incr("py:l")
    sys.exit("a list was incremented")
except redis.ResponseError as error:
    assert str(error).startswith("WRONGTYPE"), error
assert one.info()["gcs_members"] == 3 and one.client_info()["db"] == 0
session = one.execute_command("GCS.SESSION", "NEW")
for client in one, two, three:
    assert client.execute_command("GCS.SESSION", session, 1, "INCR", "py:once") == 1
print("ok: redis-py", redis.__version__)
