"""All that tests and benches from outside the process start from: a Gatehouse of its own (`service`), processes (`process`), HTTP and Redis on
the wire (`wire`), proxies before Redis (`proxy`) and before the API (`balancer`), clocks that can be moved (`clocks`), the gate at a fixed
rate (`rate`), a storm of logins (`storm`), the machine (`host`), Python packages (`packages`), and verdicts (`claims`).

A suite reaches it with the one line `sys.path.insert(0, <the folder Tests>)`, then `from Harness.service import Service`."""
