from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from todo.entrypoints.environment import load_settings, variable
from todo.entrypoints.expectations import SettingsError
from todo.entrypoints.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "kF3v9Qm2xT7pLw0aYc5nHs8dRb1eZg4u"
URL = "postgresql://me:hunter2@db.example:5432/todo"


def refusal(**environ: str) -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    return str(refused.value)


def test_nothing_has_to_be_set() -> None:
    settings = load_settings({})
    assert (settings.host, settings.port, settings.workers, settings.log_level) == ("127.0.0.1", 8000, 1, "info")
    assert settings.database_url is None
    assert str(settings.data_dir) == ".data"
    assert settings.cors_origins == ()


def test_every_setting_is_read() -> None:
    settings = load_settings(
        {
            "TODO_HOST": "0.0.0.0",  # noqa: S104 - the very thing one sets
            "TODO_PORT": " 80 ",
            "TODO_DATA_DIR": "/srv/todo",
            "TODO_DATABASE_URL": URL,
            "TODO_JWT_SECRET": SECRET,
            "TODO_CORS_ORIGINS": "https://App.example.com, http://localhost:3000,",
            "TODO_WORKERS": "4",
            "TODO_LOG_LEVEL": "WARNING",
        }
    )
    assert settings.port == 80
    assert str(settings.data_dir) == "/srv/todo"
    assert settings.database_url == URL
    assert settings.secret == SECRET
    assert settings.cors_origins == ("https://app.example.com", "http://localhost:3000")
    assert (settings.workers, settings.log_level) == (4, "warning")


def test_every_setting_is_described() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, variable(name)


def test_the_plain_database_url_serves_where_ours_is_not_set() -> None:
    assert load_settings({"DATABASE_URL": URL}).database_url == URL
    assert load_settings({"DATABASE_URL": URL, "TODO_DATABASE_URL": ""}).database_url == URL
    assert load_settings({"DATABASE_URL": "postgresql://other/x", "TODO_DATABASE_URL": URL}).database_url == URL


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings({"TODO_PORT": "", "TODO_CORS_ORIGINS": " ", "TODO_JWT_SECRET": ""}) == load_settings({})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("TODO_PORT", "http", "TODO_PORT must be a whole number from 0 to 65535, not 'http'."),
        ("TODO_PORT", "65536", "TODO_PORT must be a whole number from 0 to 65535, not '65536'."),
        ("TODO_WORKERS", "0", "TODO_WORKERS must be a whole number from 1 to 256, not '0'."),
        ("TODO_LOG_LEVEL", "loud", "TODO_LOG_LEVEL must be debug, info, warning, error or critical, not 'loud'."),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_variable(name: str, value: str, expected: str) -> None:
    assert refusal(**{name: value}) == expected


def test_a_short_secret_is_refused_and_not_repeated() -> None:
    sentence = refusal(TODO_JWT_SECRET="swordfish")
    assert sentence.startswith("TODO_JWT_SECRET must be at least 32 characters")
    assert "openssl rand" in sentence
    assert "swordfish" not in sentence


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://a.example:443", "https://a.example"),
        ("http://a.example:80", "http://a.example"),
        ("https://a.example:80", "https://a.example:80"),
        ("HTTPS://A.example:", "https://a.example"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://Bücher.example:8443", "https://xn--bcher-kva.example:8443"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("capacitor://localhost", "capacitor://localhost"),
    ],
)
def test_origins_are_written_as_browsers_send_them(given: str, sent: str) -> None:
    assert load_settings({"TODO_CORS_ORIGINS": given}).cors_origins == (sent,)


def test_a_host_that_can_be_no_name_is_to_be_written_in_ascii() -> None:
    sentence = refusal(TODO_CORS_ORIGINS="https://a.example,https://-ü.example")
    assert sentence.startswith(
        "TODO_CORS_ORIGINS holds 'https://-ü.example', whose host can be no name: write it in its"
    )


@pytest.mark.parametrize(
    "origins",
    [
        "*",
        "https://*.example.com",
        "app.example.com",
        "https://app.example.com/",
        "https://a b",
        "null",
        "https://a.example:abc",
        "https://a.example:99999",
        "https://a.example:0",
        "https://ü.example:٤٤٣",
        "https://me@a.example",
        "https://[a",
        "https://:443",
    ],
)
def test_origins_are_named_one_by_one_as_browsers_name_them(origins: str) -> None:
    assert refusal(TODO_CORS_ORIGINS=origins).startswith("TODO_CORS_ORIGINS ")


def test_all_origins_are_refused_with_the_reason() -> None:
    assert "credentials" in refusal(TODO_CORS_ORIGINS="https://app.example.com,*")


def test_two_servers_do_not_share_a_port() -> None:
    assert load_settings({"TODO_PORT": "0", "TODO_METRICS_PORT": "0"}).metrics_port == 0
    with pytest.raises(SettingsError, match="TODO_METRICS_PORT must not be TODO_PORT"):
        load_settings({"TODO_PORT": "9000", "TODO_METRICS_PORT": "9000"})


@pytest.mark.parametrize("name", ["TODO_DATA_DIR", "TODO_JWT_SECRET_FILE"])
def test_a_home_that_is_not_there_is_a_sentence(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is ~nobody-has-this-name/x, and there is no such user's home"):
        load_settings({name: "~nobody-has-this-name/x"})


def test_a_misspelt_setting_is_refused_with_the_nearest_name() -> None:
    assert refusal(TODO_PROT="80") == "TODO_PROT is not a setting; is TODO_PORT meant?"
    assert "TODO_CORS_ORIGINS" in refusal(TODO_XYZZY="1")


def test_what_kubernetes_adds_for_a_service_of_this_name_is_passed_over() -> None:
    links = {
        "TODO_SERVICE_HOST": "10.0.0.7",
        "TODO_SERVICE_PORT_HTTP": "80",
        "TODO_PORT": "tcp://10.0.0.7:80",
        "TODO_PORT_80_TCP": "tcp://10.0.0.7:80",
        "TODO_PORT_80_TCP_ADDR": "10.0.0.7",
        "TODO_DATABASE_SERVICE_HOST": "10.0.0.8",
        "TODO_DATABASE_PORT": "tcp://10.0.0.8:5432",
    }
    assert load_settings(links) == load_settings({})


def test_a_database_of_ones_own_needs_a_secret_of_ones_own(tmp_path: Path) -> None:
    settings = load_settings({"TODO_DATABASE_URL": URL, "TODO_DATA_DIR": str(tmp_path)})
    with pytest.raises(SettingsError, match=r"TODO_JWT_SECRET must be set .*`openssl rand -base64 48"):
        _ = settings.secret
    assert list(tmp_path.iterdir()) == []


def test_secrets_are_not_shown() -> None:
    settings = load_settings({"TODO_DATABASE_URL": URL, "TODO_JWT_SECRET": SECRET})
    for text in (repr(settings), str(settings)):
        assert SECRET not in text
        assert "hunter2" not in text


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings({}).port = 1


def test_the_development_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    environ = {"TODO_DATA_DIR": str(tmp_path / "data")}
    secret = load_settings(environ).secret
    kept = tmp_path / "data" / "jwt_secret"
    assert len(secret) >= 32
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert load_settings(environ).secret == secret
    assert [path.name for path in kept.parent.iterdir()] == ["jwt_secret"]


def test_processes_that_start_together_agree_on_one_secret(tmp_path: Path) -> None:
    settings = load_settings({"TODO_DATA_DIR": str(tmp_path)})
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(lambda _: settings.secret, range(32)))) == 1


def test_a_spoilt_development_secret_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "jwt_secret").write_text("\n")
    with pytest.raises(SettingsError, match="delete it"):
        _ = load_settings({"TODO_DATA_DIR": str(tmp_path)}).secret


def test_trusted_proxies_are_addresses_and_networks() -> None:
    trusted = load_settings({"TODO_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8,2001:db8::/48,unix,"}).trusted_proxies
    assert [str(proxy) for proxy in trusted] == ["127.0.0.1/32", "10.0.0.0/8", "2001:db8::/48", "unix"]


@pytest.mark.parametrize("proxies", ["*", "proxy.example.com", "10.0.0.1/8", "10.0.0.0/33", "2", "0.0.0.0/0", "::/0"])
def test_trusted_proxies_are_named_so_that_they_are_not_everyone(proxies: str) -> None:
    sentence = refusal(TODO_TRUSTED_PROXIES=proxies)
    assert sentence.startswith("TODO_TRUSTED_PROXIES ")
    assert proxies in sentence


def test_limits_are_on_unless_they_are_off() -> None:
    assert load_settings({}).limits_abuse
    assert not load_settings({"TODO_RATE_LIMIT": "OFF"}).limits_abuse
    assert refusal(TODO_RATE_LIMIT="maybe") == "TODO_RATE_LIMIT must be on or off, not 'maybe'."


@pytest.mark.parametrize("url", ["redis://localhost:6379", "rediss://:hunter2@[::1]:6380/1", "redis://me:x@cache:1/"])
def test_limits_can_be_counted_in_redis(url: str) -> None:
    settings = load_settings({"TODO_RATE_LIMIT_STORAGE": url})
    assert (settings.rate_limit_storage, settings.rate_limit_counter) == (url, "redis")
    assert load_settings({}).rate_limit_counter == "postgres"


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "memcached://:hunter2@cache:11211",
        "redis://:hunter2@cache",
        "redis://:hunter2@cache:99999",
        "redis://:hunter2@cache:6379/first",
        "redis://:hunter2@cache:6379?db=1",
        "redis://:hunter2@[cache:6379",
    ],
)
def test_a_wrong_redis_url_is_refused_and_not_repeated(url: str) -> None:
    sentence = refusal(TODO_RATE_LIMIT_STORAGE=url)
    assert sentence.startswith("TODO_RATE_LIMIT_STORAGE must be a URL like redis://")
    assert "hunter2" not in sentence
