#!/usr/bin/env python3
"""What the crafted requests of a pjproject checkout ask for, one JSON object a line.

crafted.py /path/to/pjproject

Each tests/pjsua/scripts-sendto/*.py builds one SendtoCfg of a module that belongs to pjproject's own test driver. A module of
ours stands in for it here, which keeps what was asked for and does nothing.
"""
import json, pathlib, sys, types

asked = []


def sendto(name, pjsua_args, sdp, resp_code, resp_inc=(), resp_exc=(), use_tcp=False, extra_headers="", body="", complete_msg="", enable_buffer=False):
    asked.append({"name": name, "args": pjsua_args, "sdp": sdp, "code": resp_code, "include": list(resp_inc), "exclude": list(resp_exc),
                  "tcp": bool(use_tcp), "headers": extra_headers, "body": body, "message": complete_msg})


class Anything(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return ""


def main():
    for name in ("inc_sdp", "inc_cfg", "inc_const", "inc_util"):
        sys.modules[name] = Anything(name)
    stub = types.ModuleType("inc_sip")
    stub.SendtoCfg = sendto
    sys.modules["inc_sip"] = stub
    for path in sorted((pathlib.Path(sys.argv[1]) / "tests/pjsua/scripts-sendto").glob("*.py")):
        del asked[:]
        try:
            exec(compile(path.read_text(encoding="utf-8"), path.name, "exec"), {"__name__": path.stem})
            row = asked[0] if asked else {"error": "it asks for nothing"}
        except Exception as e:  # a script that this driver cannot read is told, not passed over
            row = {"error": "%s: %s" % (type(e).__name__, e)}
        row["file"] = path.stem
        print(json.dumps(row))


main()
