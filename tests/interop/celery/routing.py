"""Tasks over a topic exchange to several queues, to all workers at once, and to none."""

from celery.utils.log import get_task_logger
from kombu import Exchange, Queue
from kombu.common import Broadcast
from support import PATIENCE, QUEUE, Worker, equal, make_app

tasks = Exchange(f"{QUEUE}-tasks", type="topic", delivery_mode="persistent")
VIDEO, FEED = f"{QUEUE}-video", f"{QUEUE}-feed"
app = make_app(
    task_queues=[
        Queue(QUEUE, tasks, routing_key="task.#"),
        Queue(VIDEO, tasks, routing_key="video.#"),
        Queue(FEED, tasks, routing_key="*.feed.*"),
        Broadcast(f"{QUEUE}-all", unique=True),
    ],
    task_default_exchange=tasks.name,
    task_default_exchange_type="topic",
    task_routes=(
        [
            ("plain.*", {"exchange": tasks.name, "routing_key": "task.default"}),
            ("feed.*", {"exchange": tasks.name, "routing_key": "import.feed.now"}),
            ("video.*", {"exchange": tasks.name, "routing_key": "video.compress"}),
        ],
    ),
)
logger = get_task_logger(__name__)


def where(self):
    return [self.request.hostname, self.request.delivery_info["routing_key"]]


plain = app.task(where, bind=True, name="plain.where")
feed = app.task(where, bind=True, name="feed.where")
video = app.task(where, bind=True, name="video.where")


@app.task(ignore_result=True)
def announce():
    logger.warning("announced")


def main():
    everybody = f"{QUEUE}-all"
    with (
        Worker("-Q", f"{QUEUE},{FEED},{everybody}", name="first").ready() as first,
        Worker("-Q", f"{VIDEO},{everybody}", name="second").ready() as second,
    ):
        equal(plain.delay().get(PATIENCE), [first.name, "task.default"])
        equal(feed.delay().get(PATIENCE), [first.name, "import.feed.now"])
        equal(video.delay().get(PATIENCE), [second.name, "video.compress"])
        crossing = video.apply_async(exchange=tasks.name, routing_key="task.video")
        equal(crossing.get(PATIENCE), [first.name, "task.video"])

        announce.apply_async(exchange=everybody)
        first.wait_for("announced")
        second.wait_for("announced")


if __name__ == "__main__":
    main()
