"""How types, defaults and CHECKs are written: by env.py's ``render_item``, else so that they stay the same.

Alembic's own rendering loses a quotation mark at the end of a default, doubles per cent signs for some
drivers, names the module of a type without importing it, and applies a naming convention twice.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _repr_type
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Boolean, CheckConstraint, Computed, DefaultClause, Enum
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.elements import ClauseElement, conv
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from .code import Spelling, escaped_colons

RenderItem = Callable[[str, Any, AutogenContext], "str | bool | None"]


class OldType(UserDefinedType[Any]):
    """A type of the old models, which the new ones may not have any more: its code."""

    cache_ok = True

    def __init__(self, code: str, imports: tuple[str, ...], ddl: str):
        self.code = code
        self.imports = imports
        self.ddl = ddl

    def get_col_spec(self, **options: Any) -> str:
        """As the old models' database has it."""
        return self.ddl


class Items:
    """Stands in for ``render_item``. ``plain`` writes every type as the database's own."""

    def __init__(self, theirs: RenderItem | None, dialect: Dialect, *, plain: bool = False):
        self._theirs = theirs
        self._dialect = dialect
        self._plain = plain
        self._inside = False
        self.named_checks_alone = False
        self.names: dict[str, str] = {}
        """New names of columns, for SQL that a person wrote as text."""

    def __call__(self, kind: str, item: Any, context: AutogenContext) -> str | bool | None:
        """The code of an item, None to leave it out, False for Alembic's own."""
        if isinstance(item, OldType):
            context.imports.update(item.imports)
            return item.code
        if self._theirs is not None and not self._inside and not self._plain:
            rendered = self._theirs(kind, item, context)
            if rendered is not False:
                return rendered
        match kind:
            case "type":
                return self._type(item, context)
            case "server_default":
                return self._default(item, context)
            case "check" if isinstance(item, CheckConstraint):
                return self._check(item, context)
        return False

    def _type(self, type_: TypeEngine[Any], context: AutogenContext) -> str | bool:
        enum = self._own_enum(type_)
        if enum is not None:
            context.imports.add("from sqlalchemy.dialects import postgresql")
            return enum
        # Their CHECKs are written as such: not every version's repr() of a type makes them.
        if type(type_) is Enum:
            return self._enum(type_, context)
        if type(type_) is Boolean:
            return f"{Spelling.of(context).sa}Boolean()"
        if self._inside:
            self._import(type_, context)
            return False
        self._inside = True
        try:
            for one in (type_, *self._simpler(type_)) if not self._plain else self._simpler(type_):
                imports = set(context.imports)
                try:
                    self._import(one, context)
                    code = _prefixed(str(_repr_type(one, context)), Spelling.of(context).sa)
                except Exception:  # whatever a type's own __repr__ raises
                    code = ""
                if code and self._means(code, type_, context):
                    return code
                context.imports.clear()
                context.imports.update(imports)
        finally:
            self._inside = False
        return self._named(type_, context)

    def _own_enum(self, type_: TypeEngine[Any]) -> str | None:
        """PostgreSQL's enumeration: made by lines of its own, and so by no table."""
        found: Any = type_
        while isinstance(found, TypeDecorator):
            found = found.impl_instance
        if self._dialect.name != "postgresql":
            return None
        found = found.dialect_impl(self._dialect)
        if not isinstance(found, Enum) or not found.native_enum or not found.name:
            return None
        schema = f", schema={str(found.schema)!r}" if found.schema else ""
        listed = ", ".join(map(repr, map(str, found.enums)))
        return f"postgresql.ENUM({listed}, name={str(found.name)!r}{schema}, create_type=False)"

    @staticmethod
    def _enum(type_: Enum, context: AutogenContext) -> str:
        listed = ", ".join(map(repr, map(str, type_.enums)))
        name = f", name={str(type_.name)!r}" if type_.name else ""
        native = "" if type_.native_enum else ", native_enum=False"
        longest = max((len(label) for label in type_.enums), default=0)
        length = f", length={type_.length}" if type_.length != longest else ""
        return f"{Spelling.of(context).sa}Enum({listed}{name}{native}{length})"

    def _simpler(self, type_: TypeEngine[Any]) -> Iterator[TypeEngine[Any]]:
        """What the database makes of a type of somebody's own."""
        found: Any = type_.dialect_impl(self._dialect)
        while isinstance(found, TypeDecorator):
            found = found.impl_instance.dialect_impl(self._dialect)
        if isinstance(found, Enum):
            # Its values may come from a class of the project's.
            options = {"name": found.name, "native_enum": found.native_enum, "length": found.length}
            yield Enum(*found.enums, create_constraint=found.create_constraint, **options)
        else:
            yield found
            for kind in type(found).__mro__[1:]:
                if kind.__module__.startswith("sqlalchemy.") and kind.__name__ in ("String", "Integer"):
                    yield kind()

    def _import(self, type_: TypeEngine[Any], context: AutogenContext) -> None:
        module = type(type_).__module__
        if not module.startswith("sqlalchemy.") and context.opts.get("user_module_prefix") is None:
            context.imports.add(f"import {module}")

    def _means(self, code: str, type_: TypeEngine[Any], context: AutogenContext) -> bool:
        """Whether the code gives a type that the database does not tell from this one."""
        if context.opts.get("user_module_prefix") is not None and code.startswith(
            context.opts["user_module_prefix"]
        ):
            return True  # only the template knows what that stands for
        return self._text(evaluated(code, context.imports, context)) == self._text(type_)

    def _text(self, type_: Any) -> str | None:
        try:
            return str(type_.compile(dialect=self._dialect))
        except (SQLAlchemyError, NotImplementedError, AttributeError):
            return repr(type_) if isinstance(type_, TypeEngine) else None

    def _named(self, type_: TypeEngine[Any], context: AutogenContext) -> str | bool:
        """A type of which nothing is left but its name in DDL."""
        text = self._text(type_)
        try:
            type_.compile(dialect=self._dialect)
        except Exception:
            return False
        prefix = Spelling.of(context).sa
        return (
            f"type('Named', ({prefix}types.UserDefinedType,), "
            f"{{'cache_ok': True, 'get_col_spec': lambda self, **options: {text!r}}})()"
        )

    def _default(self, default: Any, context: AutogenContext) -> str | bool:
        prefix = Spelling.of(context).sa
        if isinstance(default, Computed):
            how = "" if default.persisted is None else f", persisted={default.persisted}"
            return f"{prefix}Computed({escaped_colons(self.sql(default.sqltext))!r}{how})"
        if not isinstance(default, DefaultClause):
            return False
        argument: Any = default.arg
        if isinstance(argument, str):
            if not argument.startswith("'") and not argument.endswith("'"):
                return repr(str(argument))
            return f"{prefix}text({escaped_colons(literal(argument))!r})"
        column = getattr(default, "column", None)
        compiler: Any = self._dialect.ddl_compiler(self._dialect, None)  # type: ignore[arg-type]
        # As the table itself would say it: with the parentheses that SQLite wants, say.
        text = self.sql(argument) if column is None else compiler.get_column_default_string(column)
        return f"{prefix}text({escaped_colons(text)!r})"

    def _check(self, check: CheckConstraint, context: AutogenContext) -> str | None:
        made: Any = check
        if self.named_checks_alone and not isinstance(check.name, str):
            return None
        if not made._should_create_for_compiler(self._dialect.ddl_compiler(self._dialect, None)):  # type: ignore[arg-type]
            return None
        spelling = Spelling.of(context)
        text = escaped_colons(self.sql(check.sqltext))
        name = f", name={name_code(check.name, spelling)}" if isinstance(check.name, str) else ""
        options = "".join(
            f", {option}={value!r}"
            for option in ("deferrable", "initially")
            if (value := getattr(check, option)) is not None
        )
        options += "".join(f", {key}={value!r}" for key, value in check.dialect_kwargs.items())
        return f"{spelling.sa}CheckConstraint({text!r}{name}{options})"

    def sql(self, expression: Any) -> str:
        """An expression as SQL without parameters, in the dialect's own words."""
        if not isinstance(expression, ClauseElement):
            return under_names(str(expression), self.names)
        options = {"literal_binds": True, "include_table": False}
        text = str(expression.compile(dialect=self._dialect, compile_kwargs=options))
        return under_names(text, self.names)


def under_names(sql: str, names: Mapping[str, str]) -> str:
    """SQL with new names of columns, outside of its literals."""
    if not names:
        return sql
    words = "|".join(map(re.escape, names))
    token = re.compile(rf"'(?:[^']|'')*'|(?<!\w)(?:{words})(?!\w)")
    return token.sub(lambda found: names.get(found[0], found[0]), sql)


def _prefixed(code: str, prefix: str) -> str:
    """The code of a type with the prefix that a repr() inside lacks: ``JSONB(astext_type=Text())``.

    Alembic knows that of the dialect that it works for alone; a variant is for another one.
    """
    import sqlalchemy

    def whole(found: re.Match[str]) -> str:
        return f"{prefix}{found[1]}" if hasattr(sqlalchemy, found[1]) else found[1]

    return re.sub(r"""(?<![\w.'"])([A-Z]\w*)(?=\()""", whole, code)


def name_code(name: str, spelling: Spelling, *, final: bool = False) -> str:
    """A constraint's name; a naming convention is not applied to one that came out of it."""
    if final or isinstance(name, conv):
        return f"{spelling.op}f({str(name)!r})"
    return repr(str(name))


def literal(text: str) -> str:
    """Text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def evaluated(code: str, imports: set[str], context: AutogenContext) -> Any:
    """What the code of a type gives in a script, or None if it cannot be run."""
    import sqlalchemy

    spelling = Spelling.of(context)
    names: dict[str, Any] = {"postgresql": postgresql, "sqlalchemy": sqlalchemy}
    if spelling.sa:
        names[spelling.sa.partition(".")[0]] = sqlalchemy
    else:
        names |= vars(sqlalchemy)
    try:
        for line in sorted(imports):
            exec(line, names)
        return eval(code, names)
    except Exception:  # the code of anybody's __repr__
        return None


def rendering_context(
    dialect: Dialect, options: dict[str, Any], *, plain: bool = False, environment: Any = None
) -> tuple[AutogenContext, Items]:
    """What operations are rendered in: env.py's options, on a dialect without a driver's ways."""
    items = Items(options.get("render_item"), dialect, plain=plain)
    context = MigrationContext.configure(
        dialect=dialect, opts={**options, "as_sql": False}, environment_context=environment
    )
    context.opts["render_item"] = items
    rendering = AutogenContext(context, autogenerate=False)
    rendering.imports = set()
    return rendering, items


def importable(imports: tuple[str, ...], classes: list[list[str]]) -> bool:
    """Whether the modules and their classes are still there."""
    for module, name in classes:
        try:
            found: Any = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError):
            return False
    return bool(imports) or not classes
