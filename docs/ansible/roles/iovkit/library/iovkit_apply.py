#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a host as a host file says, by 'iov apply'.

What is to do is the plan of 'iov plan': a host that is so already is not changed, and check mode
shows the plan.  The file is kept when the host is as it says, so that one that cannot be applied
is not found at the next boot.
"""
import json
import os
import tempfile

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: iovkit_apply
short_description: Make a host as a host file of iovkit says
description:
  - VFs, drivers, huge pages and the ports and disks of iovd, applied whole or not at all.
  - Check mode changes nothing and gives the plan.
options:
  host:
    description: The host file, as host.yaml(5) has it.
    type: dict
    required: true
  path:
    description: Where it is kept.
    type: path
    default: /etc/iovkit/host.yaml
  options:
    description: More options of C(iov apply).
    type: list
    elements: str
    default: []
  iov:
    description: The program.
    type: str
    default: iov
"""

EXAMPLES = r"""
- iovkit_apply:
    host:
      devices:
        - device: enp1s0
          vfs: {count: 4, driver: vfio-pci}
"""

RETURN = r"""
plan:
  description: What was done, or would be in check mode, as 'iov plan --json' prints it.
  type: dict
  returned: always
"""


def run_iov(module, words):
    """What iov prints with --json; ends the task where it fails."""
    status, out, err = module.run_command([module.params["iov"], *words, "--json"])
    try:
        answer = json.loads(out) if out.strip() else {}
    except ValueError:
        answer = {}
    if status:
        said = answer.get("error") or err.strip() or f"exit status {status}"
        module.fail_json(msg=f"iov {words[0]}: {said}", rc=status, answer=answer)
    return answer


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def shown(plan):
    """The plan as people read it."""
    lines = [step.get("title") or step.get("description") or json.dumps(step) for step in plan.get("steps", [])]
    return "".join(f"{line}\n" for line in lines)


def main():
    module = AnsibleModule(argument_spec={
        "host": {"type": "dict", "required": True},
        "path": {"type": "path", "default": "/etc/iovkit/host.yaml"},
        "options": {"type": "list", "elements": "str", "default": []},
        "iov": {"type": "str", "default": "iov"},
    }, supports_check_mode=True)
    # JSON is YAML, and the same words give the same file.
    text = "# Written by Ansible\n" + json.dumps(module.params["host"], indent=2) + "\n"
    path, options = module.params["path"], module.params["options"]
    before = read(path)
    handle, draft = tempfile.mkstemp(dir=module.tmpdir, suffix=".yaml")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    plan = run_iov(module, ["plan", *options, draft])
    changed = bool(plan.get("steps")) or before != text
    if changed and not module.check_mode:
        if plan.get("steps"):
            plan = run_iov(module, ["apply", *options, draft])
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        os.chmod(draft, 0o644)
        module.atomic_move(draft, path)
    module.exit_json(changed=changed, plan=plan, diff=[
        {"before_header": path, "after_header": path, "before": before, "after": text},
        {"prepared": shown(plan)},
    ])


if __name__ == "__main__":
    main()
