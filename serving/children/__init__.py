"""What the processes beside a gateway have in common: how one is started and ended, and how it begins.

There is one for each version in shadow (`serving/shadow`) and for each isolated version (`serving/isolation`), and one
for what follows answers (`serving/shipping`). `memory` limits a process from inside, `memory_group` from outside where
Linux lets it.
"""
