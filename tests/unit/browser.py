# SPDX-License-Identifier: GPL-2.0-or-later
"""A browser without a screen, for tests of pages.

Needs chromium and its driver, which are too large to install for this alone: 'apt install chromium
chromium-driver'.  IOVKIT_SCREENSHOTS: a directory for pictures of what was looked at.
"""
import base64
import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

PICTURES = os.environ.get("IOVKIT_SCREENSHOTS")
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Down": "\ue015", "Left": "\ue012", "Right": "\ue014", "Tab": "\ue004",
        "Space": " "}


def skip(what):
    print(f"missing: {what}")
    sys.exit(77)


class Browser:
    """What the W3C calls WebDriver, as far as it is needed."""

    def __init__(self, work):
        for program in ("chromium", "chromedriver"):
            if not shutil.which(program):
                skip(f"{program} ('apt install chromium chromium-driver'), without which no page is tried")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True)
        self.address = ""
        for line in self.driver.stdout:
            if "started successfully on port" in line:
                self.address = "http://127.0.0.1:" + line.split("port ")[1].split(".")[0].strip()
                break
        if not self.address:
            skip("a chromedriver that starts")
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                            f"--user-data-dir={work}/profile"]}
        self.session = ""
        try:
            found = self.ask("POST", "", {"capabilities": {"alwaysMatch": {
                "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
        except urllib.error.HTTPError as error:
            self.driver.kill()
            skip("a chromium that starts: " + error.read().decode(errors="replace")[:200])
        self.session = "/" + found["sessionId"]

    def ask(self, method, path, body=None):
        request = urllib.request.Request(f"{self.address}/session{self.session}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=90) as answer:
            return json.load(answer)["value"]

    def command(self, name, **parameters):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def screen(self, width, height, scheme):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, address):
        self.ask("POST", "/url", {"url": address})

    def run(self, script, *arguments):
        return self.ask("POST", "/execute/sync", {"script": script, "args": arguments})

    def keys(self, *names):
        actions = [{"type": kind, "value": KEYS.get(name, name)} for name in names for kind in ("keyDown", "keyUp")]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def click(self, selector, index=0):
        at = self.run("const e = document.querySelectorAll(arguments[0])[arguments[1]]; e.scrollIntoView({block: 'center'});"
                      "const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]", selector, index)
        self.ask("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": [
            {"type": "pointerMove", "x": int(at[0]), "y": int(at[1])}, {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0}]}]})

    def picture(self, name):
        if not PICTURES:
            return
        os.makedirs(PICTURES, exist_ok=True)
        with open(os.path.join(PICTURES, name + ".png"), "wb") as file:
            file.write(base64.b64decode(self.ask("GET", "/screenshot")))

    def errors(self):
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"})
                if entry["level"] in ("SEVERE", "WARNING")]

    def close(self):
        self.ask("DELETE", "")
        self.driver.terminate()
        self.driver.wait(20)
