"""The commands, one a module, found by name through `netimap.registry`."""
