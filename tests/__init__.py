"""Everything is tested here.

`builders` makes what tests need; `contracts` says what every adapter promises, `http` what every answer does.
"""

import pytest

# Their assertions show what they compared, as those of test modules do.
pytest.register_assert_rewrite("tests.contracts", "tests.generated", "tests.http")
