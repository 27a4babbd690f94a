"""All objects in memory, written through to one SQLite file, one transaction per unit of work."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading


class Store:
    """Tables of objects by kind and id, in the order of their making.

    What `get`, `find` and `add` hand out may be changed in place until the unit of work ends: a
    unit that ends well is written, one that raises is taken back. `peek` hands out for reading.
    """

    def __init__(self, path=None):
        self.lock = threading.RLock()
        self.tables: dict[str, dict[str, dict]] = {}
        self.kind_of: dict[str, str] = {}
        self._before: dict[tuple[str, str], str | None] = {}
        self._depth = 0
        self.after_commit = None
        self.db = sqlite3.connect(str(path or ":memory:"), check_same_thread=False, timeout=1)
        self.db.isolation_level = None
        self.db.execute(
            "PRAGMA locking_mode = EXCLUSIVE"
        )  # a second process would not see our memory
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS objects (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL,"
            " id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (kind, id))"
        )
        for kind, oid, body in self.db.execute("SELECT kind, id, body FROM objects ORDER BY seq"):
            self._put(kind, oid, json.loads(body))

    def close(self):
        with self.lock:
            self.db.close()

    def _put(self, kind, oid, obj):
        self.tables.setdefault(kind, {})[oid] = obj
        self.kind_of[oid] = kind

    def _touch(self, kind, oid, obj):
        if self._depth and (kind, oid) not in self._before:
            self._before[kind, oid] = json.dumps(obj)
        return obj

    def peek(self, kind):
        return list(self.tables.get(kind, {}).values())

    def get(self, kind, oid):
        """The object, or None."""
        obj = self.tables.get(kind, {}).get(oid)
        return None if obj is None else self._touch(kind, oid, obj)

    def find(self, kind, where=None, **equals):
        """Objects that have all these values, oldest first."""
        rows = self.tables.get(kind, {}).items()
        return [
            self._touch(kind, oid, obj)
            for oid, obj in list(rows)
            if all(obj.get(k) == v for k, v in equals.items()) and (where is None or where(obj))
        ]

    def add(self, kind, obj):
        if obj["id"] in self.tables.get(kind, {}):
            raise KeyError(f"{kind} {obj['id']} is there already")
        self._before.setdefault((kind, obj["id"]), None)
        self._put(kind, obj["id"], obj)
        return obj

    def remove(self, kind, oid):
        self._touch(kind, oid, self.tables[kind][oid])
        del self.tables[kind][oid]
        self.kind_of.pop(oid, None)

    @contextlib.contextmanager
    def work(self):
        """A unit of work; a unit inside another one is part of it."""
        with self.lock:
            if self._depth:
                yield
                return
            self._before.clear()
            self._depth = 1
            try:
                yield
            except BaseException as exc:
                self._commit() if getattr(exc, "keep", False) else self._undo()
                raise
            else:
                self._commit()
            finally:
                self._depth = 0
                if self.after_commit:
                    self.after_commit()

    def _commit(self):
        rows, gone = [], []
        for (kind, oid), before in self._before.items():
            obj = self.tables.get(kind, {}).get(oid)
            if obj is None:
                gone.append((kind, oid))
            elif (text := json.dumps(obj)) != before:
                rows.append((kind, oid, text))
        if rows or gone:
            self.db.execute("BEGIN")
            self.db.executemany(
                "INSERT INTO objects (kind, id, body) VALUES (?, ?, ?)"
                " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                rows,
            )
            self.db.executemany("DELETE FROM objects WHERE kind = ? AND id = ?", gone)
            self.db.execute("COMMIT")
        self._before.clear()

    def _undo(self):
        for (kind, oid), before in self._before.items():
            if before is None:
                self.tables[kind].pop(oid, None)
                self.kind_of.pop(oid, None)
                continue
            obj = self.tables[kind].get(oid)
            if obj is None:
                self._put(kind, oid, json.loads(before))
            else:  # in place: others may hold a reference to it
                obj.clear()
                obj.update(json.loads(before))
        self._before.clear()
