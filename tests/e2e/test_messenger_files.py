"""Intake fetches what citizens sent on a messenger from where the sandbox stands for the platforms."""

import httpx
import pytest
from intake.attachments.guard import Missing
from intake.attachments.platforms import Platforms
from intake.settings import Settings
from workbench.system import Workbench

from tests.photos import a_photo


@pytest.mark.parametrize("platform", ["telegram", "bale", "rubika", "whatsapp"])
async def test_a_file_of_each_platform_is_fetched_from_the_sandbox(city: Workbench, platform: str) -> None:
    sandbox = city.url("sandbox")
    settings = Settings.model_construct(
        None,
        files_from_loopback=True,
        messenger_urls={platform: f"{sandbox}/{platform}"},
        messenger_tokens={f"{platform}/137": "137:token"},
    )
    platforms = Platforms(settings)
    async with httpx.AsyncClient() as client:
        file = (await client.post(f"{sandbox}/files", content=a_photo())).json()["file_id"]
    assert await platforms.fetch(platform, file) == a_photo()
    with pytest.raises(Missing):
        await platforms.fetch(platform, "unknown")
    await platforms.close()
