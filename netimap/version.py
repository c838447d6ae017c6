"""The version of netimap, read by setup.cfg, too."""

VERSION = "0.1.0"
