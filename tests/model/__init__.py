"""The model by which tests judge the product: what must be in Teleport, given Okta, the settings and what was there.

The model is pure and independent: of the product it uses values, names and labels (`teleport_okta.model`), and none of
the code that decides (`desired`, `plan`, `apply`, `sync`). Each module judges one thing:

- `directory`: user groups, app servers, lists, members and roles after a pass whose readings are believed
- `doubts`: what must stay after a pass on a reading that is not believed
- `changes`: each single change of those objects, at whatever moment
- `holders`: who may have the user of a name
- `people`: users and locks after a pass whose reading of people is believed
- `harm`: how much harm an hour may bring

`organisation` and `holdings` have the facts of the two sides; `stored` reads them from the Teleport sandbox.

Drivers bring the facts and collect the complaints. `directory_oracle` and `directory_guard` look at both sandboxes, for
the property tests of the whole product and for the crash and fault sweeps; `property.directory_judge` looks at the
random worlds of the pure core. `property.witness`, `crash.crash_story` and `contract.sync.sweep_oracle` bring users and
locks; `property.witness` and `crash.crash_witness` note harm when they see it in a cluster.
"""
