"""What tests of several folders share. What one folder alone needs lies in that folder.

| module | what it is |
| --- | --- |
| `waiting` | `until`: waiting for what another thread or process does, with a limit, by a name |
| `sharing` | which tests begin first |
| `disturbance` | the machine's clock set, or the machine standing still, while a test ran: it runs once more |
| `server` | the real server, started as its user would, and questions to its catalogue |
| `api_process` | the API's process alone |
| `site` | the real application over real HTTP, on footage that a test made |
| `ports` | ports that no other test process is given |
| `chrome` | a browser |
| `cameras` | cameras that play clips, misbehave as told, and keep a journal |
| `catalogues`, `people` | new catalogues, and who acts in them |
| `mounts`, `volatile_disk` | file systems of a test's own: full, gone, or losing what was not flushed |
| `unexplained` | gaps that no fact explains |
| `shifted_clock` | a wall clock that is wrong, for real processes |
"""
